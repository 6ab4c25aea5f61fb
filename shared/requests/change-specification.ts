/** What a PATCH may change of what is to be migrated, and when: while the migration is held, and has begun nothing. */

import type { PatchedProperties } from "../model/migration-patch.js";
import { tokenIsNoSubscriptionPassword, windowProblems } from "../model/migration-request.js";
import { RequestError, type RequestProblem } from "../model/request-error.js";
import { problem } from "../model/request-properties.js";
import type { MigrationSubstate } from "../model/states.js";
import { claimDatabases } from "../status/claims.js";
import { type MigrationPatch, type MigrationRow, specOf } from "../status/migrations.js";

/** The substates in which a migration waits for its user, or for its window, before anything has been done. */
const held: ReadonlySet<MigrationSubstate> = new Set<MigrationSubstate>([
  "WaitingForLogicalReplicationSetupRequestOnSourceDB",
  "WaitingForDBsToMigrateSpecification",
  "WaitingForTargetDBOverwriteConfirmation",
  "WaitingForDataMigrationScheduling",
  "WaitingForDataMigrationWindow",
]);

/** Every change begins the preparation anew, in the history of one orchestration, which has to stay small. */
const maximumChanges = 20;

/** The row's column of each property. */
const columnOf = {
  dbsToMigrate: "databases",
  migrateRoles: "migrateRoles",
  migrationMode: "mode",
  migrationWindowStartTimeInUtc: "migrationWindowStartTimeInUtc",
  migrationWindowEndTimeInUtc: "migrationWindowEndTimeInUtc",
} as const;

const properties = Object.keys(columnOf) as (keyof typeof columnOf)[];

/** The properties that are to be something else than they are. */
function changedIn(migration: MigrationRow, wanted: PatchedProperties): (keyof typeof columnOf)[] {
  const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);
  return properties.filter((name) => wanted[name] !== undefined && !same(wanted[name], migration[columnOf[name]]));
}

/** Whether the request changes what is to be migrated. */
export function changesSpecification(migration: MigrationRow, wanted: PatchedProperties): boolean {
  return changedIn(migration, wanted).length > 0;
}

/** Whether the request is about what is to be migrated, and the migration can still take that up. */
export function mayRespecify(migration: MigrationRow, wanted: PatchedProperties): boolean {
  return isHeld(migration) && properties.some((name) => wanted[name] !== undefined);
}

function isHeld({ substate }: MigrationRow): boolean {
  return substate !== undefined && held.has(substate);
}

/** Why what is to be migrated cannot be changed like that, or not now. */
export function problemsOfChange(migration: MigrationRow, wanted: PatchedProperties): RequestProblem[] {
  const changed = changedIn(migration, wanted);
  const of = (name: keyof typeof columnOf) => `properties.${name}`;
  if (changed.length > 0 && !isHeld(migration)) {
    const when = migration.substate ?? migration.state;
    const message =
      `can be changed only while the migration is held before its start; it is in ${when}: ` +
      'create a new migration to change it, with startDataMigration "False" to have it held';
    return changed.map((name) => problem("ImmutableProperty", of(name), message));
  }
  if (changed.length > 0 && migration.specification >= maximumChanges) {
    const message = `has been changed with others ${maximumChanges} times: cancel the migration and create a new one`;
    return changed.map((name) => problem("TooManyChanges", of(name), message));
  }
  const problems: RequestProblem[] = [];
  if (changed.includes("migrationMode") && wanted.migrationMode === "Online") {
    if (migration.sourceAuthentication === "Entra") problems.push(tokenIsNoSubscriptionPassword);
  }
  const window = { ...migration, ...defined(wanted) };
  if (changed.some((name) => name.startsWith("migrationWindow"))) problems.push(...windowProblems(window));
  const end = wanted.migrationWindowEndTimeInUtc;
  if (changed.includes("migrationWindowEndTimeInUtc") && end !== undefined && Date.parse(end) <= Date.now()) {
    problems.push(problem("InvalidWindow", of("migrationWindowEndTimeInUtc"), `(${end}) is over: choose a later end`));
  }
  return problems;
}

/** The columns that change with it; none when nothing does. */
export function columnsOfChange(migration: MigrationRow, wanted: PatchedProperties): MigrationPatch {
  const changed = changedIn(migration, wanted);
  if (changed.length === 0) return {};
  const columns = Object.fromEntries(changed.map((name) => [columnOf[name], wanted[name]]));
  // What was said of the databases before says nothing of these.
  const askAgain =
    changed.includes("dbsToMigrate") && migration.overwriteConfirmed && wanted.overwriteDbsInTarget !== true;
  const asked = askAgain ? { overwriteDbsInTarget: false, overwriteConfirmed: false } : {};
  return { ...columns, ...asked, specification: migration.specification + 1 };
}

/**
 * Claims the databases that the migration is to have.
 * @throws RequestError 409 when another migration has one of them
 */
export async function claimChange(migration: MigrationRow, wanted: PatchedProperties): Promise<void> {
  const databases = wanted.dbsToMigrate;
  if (databases === undefined || !changedIn(migration, wanted).includes("dbsToMigrate")) return;
  const spec = specOf(migration);
  const conflict = await claimDatabases({ ...spec, databases });
  if (conflict === undefined) return;
  const target = "properties.dbsToMigrate";
  throw new RequestError(
    409,
    "TargetDatabaseInUse",
    `Database "${conflict.database}" of ${spec.target.host}:${spec.target.port} is being written by migration ${conflict.migration} ` +
      `of server ${conflict.server}: wait until it has ended or cancel it, or leave the database out of ${target}.`,
    { target },
  );
}

function defined(wanted: PatchedProperties): {
  migrationWindowStartTimeInUtc?: string;
  migrationWindowEndTimeInUtc?: string;
} {
  const { migrationWindowStartTimeInUtc: start, migrationWindowEndTimeInUtc: end } = wanted;
  return {
    ...(start !== undefined && { migrationWindowStartTimeInUtc: start }),
    ...(end !== undefined && { migrationWindowEndTimeInUtc: end }),
  };
}
