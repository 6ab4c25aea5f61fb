export default function NewMigrationPage(_: { server: unknown }) {
  return null;
}
