/**
 * Opening the snapshot of an online migration: publications, a slot that keeps every change from then on, and a keeper of the snapshot that the slot begins with.
 *
 * If slot and snapshot did not belong together, changes would be lost between them without a trace. Two runners of this step must therefore never mix theirs: who holds the
 * advisory lock ends every session of the run that another one may have left (its exported snapshot with them) before dropping what it finds, and drops
 * only through the session that holds the lock.
 */
import type pg from "pg";
import { replicationNames } from "../model/replication-names.js";
import { ServiceError } from "../model/service-error.js";
import type { DatabaseRun } from "../model/steps.js";
import { withConnection } from "../postgres/connect.js";
import {
  createPublications,
  dropPublications,
  listPublishableTables,
  type PublishableTable,
} from "../postgres/publication.js";
import { createSlot, dropSlots } from "../postgres/replication-slot.js";
import { endingTask, endSessions } from "../postgres/sessions.js";
import { openKeeper } from "../postgres/snapshot.js";
import { lockWaitersLimit } from "../run/give-way.js";
import type { MigrationServers } from "../run/servers.js";
import { addWarnings } from "../run/warnings.js";
import { settings } from "../settings.js";
import { recordDatabase } from "../status/databases.js";
import { publishSnapshot, wasOpened } from "../status/snapshots.js";

const lockRun = "select pg_catalog.pg_advisory_lock(pg_catalog.hashtext('migration slot'), pg_catalog.hashtext($1))";

/** Converges: what an earlier runner has published stays; what it has left unpublished is made anew. */
export async function openSlotSnapshot(run: DatabaseRun, servers: MigrationServers): Promise<void> {
  const { key, database, attempt } = run;
  // In this session others are ended: it is not ended by them.
  await withConnection(servers.source(database, `slot, ${endingTask}`), async (source) => {
    await source.query(`set lock_timeout = '${Math.ceil(settings().activityBudgetSeconds)}s'`);
    await source.query(lockRun, [replicationNames(key, database, attempt).prefix]);
    if (await wasOpened(key, database, attempt)) return;
    await clearFormer(run, source);
    await open(run, servers, source);
  });
}

/** Nothing of an earlier runner or attempt may go on: least of all the snapshot of a slot that is dropped here. */
async function clearFormer({ key, database, attempt }: DatabaseRun, source: pg.Client): Promise<void> {
  await recordDatabase(key, database, { replication: "created" });
  const leftOver = await endSessions(source, { migrationKey: key, database });
  if (leftOver > 0) {
    throw new ServiceError(
      "SessionsLeft",
      `${leftOver} sessions of the migration on source database ${database} did not end.`,
    );
  }
  const { prefix } = replicationNames(key, database, attempt);
  await dropSlots(source, prefix);
  await dropPublications(source, prefix);
}

async function open(run: DatabaseRun, servers: MigrationServers, source: pg.Client): Promise<void> {
  const { key, database, attempt } = run;
  const { activityBudgetSeconds } = settings();
  const names = replicationNames(key, database, attempt);
  const tables = await listPublishableTables(source, names.prefix);
  // Before the slot: a change that is decoded needs publications that were there when it was made.
  await createPublications(source, names, tables);
  const slot = await createSlot(servers.source(database, "slot"), names.slot, activityBudgetSeconds * 0.7, source);
  try {
    const snapshot = await openKeeper(servers.source(database, "keeper 1"), {
      predecessor: slot.snapshot,
      lifeSeconds: activityBudgetSeconds,
      lockTimeoutSeconds: lockWaitersLimit(),
    });
    await recordDatabase(key, database, {
      consistentPoint: slot.consistentPoint,
      unidentifiedChangesBase: sumOfChanges(tables),
    });
    await warnOfGaps(run, tables, await hasLargeObjects(source));
    await publishSnapshot(key, database, { attempt, generation: 1, snapshot });
  } finally {
    await slot.end();
  }
}

function sumOfChanges(tables: readonly PublishableTable[]): number {
  return tables
    .filter(({ logged, identified }) => logged && !identified)
    .reduce((sum, { changes }) => sum + changes, 0);
}

async function hasLargeObjects(source: pg.Client): Promise<boolean> {
  const { rows } = await source.query<{ found: boolean }>(
    "select exists (select from pg_catalog.pg_largeobject_metadata) as found",
  );
  return rows[0]?.found === true;
}

async function warnOfGaps(
  { key, database, attempt }: DatabaseRun,
  tables: readonly PublishableTable[],
  largeObjects: boolean,
): Promise<void> {
  const list = (chosen: readonly PublishableTable[]) => {
    const names = chosen.slice(0, 20).map(({ schema, name }) => `${schema}.${name}`);
    return `${names.join(", ")}${chosen.length > 20 ? ` and ${chosen.length - 20} more` : ""}`;
  };
  const unidentified = tables.filter(({ logged, identified }) => logged && !identified);
  const unlogged = tables.filter(({ logged }) => !logged);
  await addWarnings(key, database, [
    ...(attempt > 1
      ? [`The snapshot of the base copy was lost; copy number ${attempt} was made from a new slot.`]
      : []),
    ...(unidentified.length > 0
      ? [
          `Without a primary key or replica identity, only inserts and TRUNCATE of a table are replicated: ${list(unidentified)}. ` +
            "Do not update or delete their rows during the migration, or give them one (ALTER TABLE … REPLICA IDENTITY FULL) before it. Generated columns can " +
            "be in none; where whole rows identify themselves (FULL) from PostgreSQL 18 on there must be none at all.",
        ]
      : []),
    ...(largeObjects
      ? ["Large objects arrive as they were when the copy began: logical replication does not carry their changes."]
      : []),
    ...(unlogged.length > 0
      ? [
          `Unlogged tables arrive as they were when the copy began, their changes are not replicated: ${list(unlogged)}.`,
        ]
      : []),
  ]);
}
