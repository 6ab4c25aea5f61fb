export default function NewMigrationPage(_: Record<string, unknown>) {
  return null;
}
