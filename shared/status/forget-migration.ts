/** Forgetting a migration that has ended: its rows in every table. */
import { deleteRows, odata, type TableName } from "./storage.js";

const tablesByKey: readonly TableName[] = [
  "MigrationDatabases",
  "MigrationTables",
  "MigrationStatements",
  "MigrationValidations",
  "MigrationTransitions",
  "MigrationSamples",
  "MigrationSecrets",
];

/** Converges: the migration's own row goes last, so that whoever is interrupted finds it again. */
export async function forgetMigration(key: string): Promise<void> {
  for (const name of tablesByKey) await deleteRows(name, odata`PartitionKey eq ${key}`);
  await deleteRows("MigrationClaims", odata`migrationKey eq ${key}`);
  await deleteRows("Migrations", odata`key eq ${key}`);
}
