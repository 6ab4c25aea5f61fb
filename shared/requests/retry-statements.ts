/** POST …/migrations/{name}/statements/retry: applies what an ended migration could not, without copying anything again. */
import type { MigrationPath } from "../model/migration-path.js";
import { RequestError } from "../model/request-error.js";
import type { RetryRequest } from "../model/retry-request.js";
import { hasEnded } from "../model/states.js";
import { claimDatabases } from "../status/claims.js";
import { type DatabaseRow, listDatabases } from "../status/databases.js";
import { type MigrationRow, recordTransition, specOf } from "../status/migrations.js";
import { saveSecrets } from "../status/secrets.js";
import { listStatements } from "../status/statements.js";
import { findMigration } from "./find-migration.js";
import type { Orchestrations } from "./orchestrations.js";

/**
 * Starts the retry. The password comes with the request and is sealed until the retry ends: a migration's own are deleted
 * at its end, and most that fail are never tried again.
 * @throws RequestError 404, 409 when the migration runs, has nothing to apply, or lacks the rows that the statements are about
 */
export async function retryMigrationStatements(
  path: MigrationPath,
  request: RetryRequest,
  orchestrations: Orchestrations,
): Promise<void> {
  const migration = await findMigration(path);
  refuseUnlessEnded(migration);
  const { key, migrationId } = migration;
  const databases = await databasesToRetry(migration);
  const spec = specOf(migration);
  const conflict = await claimDatabases({ ...spec, databases: databases.map(({ database }) => database) });
  if (conflict !== undefined) {
    throw new RequestError(
      409,
      "TargetDatabaseInUse",
      `Database "${conflict.database}" is being written by migration ${conflict.migration} of server ${conflict.server}: wait until it has ended.`,
      { target: "migrationName" },
    );
  }
  await saveSecrets(spec, migrationId, { source: "", target: request.password });
  const transition = migration.transition + 1;
  const { user } = request;
  await orchestrations.ensureRetry({ key, transition, databases, ...(user === undefined ? {} : { user }) });
  await recordTransition(key, { sequence: transition, state: "InProgress", substate: "CompletingMigration" });
}

function refuseUnlessEnded({ name, state }: MigrationRow): void {
  if (hasEnded(state)) return;
  throw new RequestError(
    409,
    "MigrationActive",
    `Migration ${name} is ${state}: refused statements can be tried again when it has ended.`,
    { target: "migrationName" },
  );
}

/** Databases whose rows are in place: they have succeeded, or failed for nothing but refused statements. */
async function databasesToRetry({ key, name }: MigrationRow): Promise<{ database: string; attempt: number }[]> {
  const statements = await listStatements(key);
  const databases = (await listDatabases(key))
    .filter(isComplete)
    .filter(({ database, attempt }) =>
      statements.some((row) => row.database === database && row.attempt === attempt && row.fate !== "applied"),
    );
  if (databases.length > 0) return databases.map(({ database, attempt }) => ({ database, attempt }));
  throw new RequestError(
    409,
    "NothingToRetry",
    `Migration ${name} has no database with all its rows in place and statements left to apply: see its databases' messages; ` +
      "a database that has failed for another reason has to be migrated again.",
    { target: "migrationName" },
  );
}

function isComplete({ state, failureCode }: DatabaseRow): boolean {
  return state === "Succeeded" || (state === "Failed" && failureCode === "StatementsRefused");
}
