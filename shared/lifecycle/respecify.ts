/**
 * Changing what is to be migrated while a migration is held and has begun nothing. The row is the truth: a PATCH writes it and counts its
 * `specification` up, the orchestration takes it up here, and does not begin the data migration of an older one (recordTransition).
 */
import { ServiceError } from "../model/service-error.js";
import type { Respecified } from "../model/steps.js";
import { claimDatabases, releaseClaimsBut } from "../status/claims.js";
import { forgetDatabasesBut, listDatabases, queueDatabases } from "../status/databases.js";
import { getMigration, specOf, updateMigration } from "../status/migrations.js";
import { clearValidations } from "../status/validations.js";

/**
 * Makes claims, databases and validations what the row asks for.
 * @throws ServiceError TargetDatabaseInUse when another migration has taken one of the target's databases meanwhile
 */
export async function respecify(key: string): Promise<Respecified> {
  const migration = await getMigration(key);
  if (migration === undefined) throw new ServiceError("MigrationNotFound", `There is no migration ${key}.`);
  const spec = specOf(migration);
  await clearValidations(key);
  await forgetDatabasesBut(key, spec.databases);
  await queueDatabases(key, spec.databases);
  // The request has claimed them; a step for an earlier change may have released them again since.
  const conflict = await claimDatabases(spec);
  if (conflict !== undefined) {
    throw new ServiceError(
      "TargetDatabaseInUse",
      `Database "${conflict.database}" of ${spec.target.host}:${spec.target.port} is being written by migration ${conflict.migration} ` +
        `of server ${conflict.server}: wait until that has ended, then create this migration again under another name.`,
      { target: "dbsToMigrate" },
    );
  }
  await releaseClaimsBut(spec);
  const databases = await listDatabases(key);
  return {
    spec,
    specification: migration.specification,
    canceled: databases.filter(({ cancelRequested }) => cancelRequested).map(({ database }) => database),
  };
}

/** Takes down that same-named databases on the target may be replaced after all: those of this specification, no others. */
export async function confirmOverwrite(key: string, specification: number): Promise<void> {
  for (;;) {
    const migration = await getMigration(key);
    if (migration === undefined || migration.specification > specification || migration.overwriteDbsInTarget) return;
    const confirmed = { overwriteDbsInTarget: true, overwriteConfirmed: true };
    if (await updateMigration(key, confirmed, migration.etag)) return;
  }
}
