import type { HttpResponseInit } from "@azure/functions";
import type { MigrationPath } from "../../../shared/model/migration-path.js";
import { describeMigration } from "../../../shared/requests/describe-migration.js";
import { findMigration } from "../../../shared/requests/find-migration.js";

/** The migration as it is now, with its ETag. */
export async function migrationAnswer(path: MigrationPath, status = 200): Promise<HttpResponseInit> {
  const row = await findMigration(path);
  return { status, headers: { ETag: row.etag }, jsonBody: await describeMigration(row) };
}
