/** The migration that a request's path names. */
import type { MigrationPath } from "../model/migration-path.js";
import { RequestError } from "../model/request-error.js";
import { getMigration, type MigrationRow } from "../status/migrations.js";

/** @throws RequestError 404 */
export async function findMigration(path: MigrationPath): Promise<MigrationRow> {
  const row = await getMigration(path.key);
  const here =
    row?.subscriptionId.toLowerCase() === path.subscriptionId.toLowerCase() &&
    row.resourceGroup.toLowerCase() === path.resourceGroup.toLowerCase();
  if (row === undefined || !here) {
    throw new RequestError(
      404,
      "MigrationNotFound",
      `Server ${path.server} of resource group ${path.resourceGroup} has no migration ${path.name}: check migrationName in the path, or list the server's migrations.`,
      { target: "migrationName" },
    );
  }
  return row;
}
