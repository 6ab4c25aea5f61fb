export default function MigrationPage(_: Record<string, unknown>) {
  return null;
}
