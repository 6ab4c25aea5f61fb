/** Table `MigrationDatabases`: one row a database of a migration, PartitionKey the migration's key. */
import { z } from "zod";
import { DatabaseState } from "../model/states.js";
import { entityKey } from "./entity-key.js";
import {
  booleanColumn,
  type Columns,
  deleteRows,
  entity,
  getRow,
  int64,
  isStatus,
  mergeRow,
  mergeRows,
  numberColumn,
  odata,
  optionalText,
  queryRows,
  type Row,
  table,
  timeColumn,
} from "./storage.js";

const DatabaseRowColumns = z.object({
  database: z.string(),
  /** Undefined until the database's own work begins. */
  state: z.preprocess((value) => (value === "" ? undefined : value), DatabaseState.optional()),
  /** What is being done, for people: "creating the schema", "copying". */
  currentStep: optionalText,
  /** The first error, or what a person should know. */
  message: optionalText,
  /** What kind of failure it ended with: see Failure. */
  failureCode: optionalText,
  /** What did not stop the migration but should be looked at, one line each. */
  warnings: optionalText,
  tablesQueued: numberColumn,
  tablesLoading: numberColumn,
  tablesCompleted: numberColumn,
  tablesErrored: numberColumn,
  /** Tables of which both servers have said the same: they are among the completed ones. */
  tablesVerified: numberColumn,
  bytesTotal: numberColumn,
  bytesCopied: numberColumn,
  rowsCopied: numberColumn,
  /** Which run of the base copy this is: 1, and one more whenever the copy starts over from a new snapshot. */
  attempt: numberColumn,
  /** Whether the migration has created the database on the target: then it may replace it. */
  targetCreated: booleanColumn,
  /** What our schema in the target database is called, and whether it is gone again. */
  ledger: optionalText,
  ledgerDropped: booleanColumn,
  /** The exported snapshot that the base copy reads now; see snapshots.ts. */
  snapshot: optionalText,
  snapshotAttempt: numberColumn,
  snapshotGeneration: numberColumn,
  /** Why it was withdrawn before the copy was over: who was waiting for a table. */
  snapshotWithdrawn: optionalText,
  cancelRequested: booleanColumn,
  startedOn: timeColumn,
  endedOn: timeColumn,
  updatedOn: timeColumn,
  // Online migrations.
  latencySeconds: numberColumn,
  incomingChanges: numberColumn,
  appliedChanges: numberColumn,
  cdcInsertCounter: numberColumn,
  cdcUpdateCounter: numberColumn,
  cdcDeleteCounter: numberColumn,
  cutoverRequested: booleanColumn,
  /** Whether slot, publications and subscription are to be dropped at the end ("created", later "following"), or have been ("dropped"). */
  replication: optionalText,
  /** LSN of the source where the slot began: what the bytes are counted from. */
  consistentPoint: optionalText,
  /** Whether the target has once had everything that the source had committed. */
  caughtUp: booleanColumn,
  /** When following was last looked at. */
  sampledOn: timeColumn,
  /** LSN of the source that the target has to reach, and when it was taken. */
  cutoverPoint: optionalText,
  cutoverOn: timeColumn,
  /** Transactions that were open on the source when the cutover began and that it waits for: their IDs, with commas. */
  cutoverTransactions: optionalText,
  /** Asked for whatever stands in its way. */
  cutoverForced: booleanColumn,
  /** Cutovers that have failed, and why the last one has: it can be triggered again. */
  cutoverFailures: numberColumn,
  cutoverFailure: optionalText,
  /** Why a cutover would not get to its end now. */
  cutoverHindrance: optionalText,
  /** When the target had everything, sequences, triggers and publications too: the application may go on there. */
  readyForApplicationOn: timeColumn,
  /** The subscription logs in to the source as a role of its own, not as our user. */
  ownPublisherRole: booleanColumn,
  /** The subscription has to be told how to reach the source: its password has changed. */
  connectionOutdated: booleanColumn,
  /** The target's counters when following began: the base copy's rows are in them. */
  cdcInsertBase: numberColumn,
  cdcUpdateBase: numberColumn,
  cdcDeleteBase: numberColumn,
  /** Updates and deletes, before the base copy, on tables that cannot replicate them. */
  unidentifiedChangesBase: numberColumn,
});

/** A row of `MigrationDatabases`, parsed. Bytes, rows, seconds; times are ISO 8601, UTC. */
export type DatabaseRow = z.infer<typeof DatabaseRowColumns>;

/** Columns to write; those left out keep their value, "" clears a text. Times are ISO 8601. */
export type DatabasePatch = {
  readonly [Column in keyof Omit<DatabaseRow, "database" | "updatedOn">]?: DatabaseRow[Column];
};

/** Writes what is known of a database, leaving the other columns alone; creates the row when there is none. */
export async function recordDatabase(key: string, database: string, patch: DatabasePatch): Promise<void> {
  await mergeRow("MigrationDatabases", key, entityKey(database), columnsOf(database, patch));
}

/** Creates the rows of a new migration's databases; repeating it changes nothing that has been recorded since. */
export async function queueDatabases(key: string, databases: readonly string[]): Promise<void> {
  await mergeRows(
    "MigrationDatabases",
    key,
    databases.map((database) => ({ rowKey: entityKey(database), columns: { database } })),
  );
}

/** Forgets the databases that are not in the list: a migration that has begun nothing may lose some of them. */
export async function forgetDatabasesBut(key: string, databases: readonly string[]): Promise<void> {
  for (const { database } of await listDatabases(key)) {
    if (databases.includes(database)) continue;
    await deleteRows("MigrationDatabases", odata`PartitionKey eq ${key} and RowKey eq ${entityKey(database)}`);
  }
}

/** A database's row, or undefined. */
export async function getDatabase(key: string, database: string): Promise<DatabaseRow | undefined> {
  const row = await getRow("MigrationDatabases", key, entityKey(database));
  return row && parse(row);
}

/** The rows of a migration's databases, by name. */
export async function listDatabases(key: string): Promise<DatabaseRow[]> {
  const databases: DatabaseRow[] = [];
  for await (const row of queryRows("MigrationDatabases", odata`PartitionKey eq ${key}`)) databases.push(parse(row));
  return databases;
}

/** Asks the activities of these databases to stop. */
export async function requestDatabaseCancel(key: string, databases: readonly string[]): Promise<void> {
  await mergeRows(
    "MigrationDatabases",
    key,
    databases.map((database) => ({
      rowKey: entityKey(database),
      columns: { database, cancelRequested: true, updatedOn: new Date() },
    })),
  );
}

/**
 * Changes a database's state, unless `change` finds that it must not: it is asked again when the row has changed meanwhile, so that no step that
 * comes late overwrites how the database ended.
 */
export async function changeDatabase(
  key: string,
  database: string,
  change: (row: DatabaseRow) => DatabasePatch | undefined,
): Promise<void> {
  const client = await table("MigrationDatabases");
  for (;;) {
    const stored = await getRow("MigrationDatabases", key, entityKey(database));
    const patch = stored && change(parse(stored));
    if (stored === undefined || patch === undefined) return;
    try {
      const changed = entity(key, entityKey(database), columnsOf(database, patch));
      await client.updateEntity(changed, "Merge", { etag: stored.etag });
      return;
    } catch (error) {
      if (!isStatus(error, 412)) throw error;
    }
  }
}

/** Whether the database's activities have been asked to stop. */
export async function isCancelRequested(key: string, database: string): Promise<boolean> {
  const row = await getDatabase(key, database);
  return row?.cancelRequested ?? false;
}

/** Whether the activities of every database of the migration have been asked to stop. */
export async function isEveryCancelRequested(key: string): Promise<boolean> {
  const databases = await listDatabases(key);
  return databases.length > 0 && databases.every(({ cancelRequested }) => cancelRequested);
}

function columnsOf(database: string, patch: DatabasePatch): Columns {
  const { startedOn, endedOn, cutoverOn, sampledOn, readyForApplicationOn, ...rest } = patch;
  return {
    ...rest,
    database,
    bytesTotal: int64(patch.bytesTotal),
    bytesCopied: int64(patch.bytesCopied),
    rowsCopied: int64(patch.rowsCopied),
    incomingChanges: int64(patch.incomingChanges),
    appliedChanges: int64(patch.appliedChanges),
    cdcInsertCounter: int64(patch.cdcInsertCounter),
    cdcUpdateCounter: int64(patch.cdcUpdateCounter),
    cdcDeleteCounter: int64(patch.cdcDeleteCounter),
    cdcInsertBase: int64(patch.cdcInsertBase),
    cdcUpdateBase: int64(patch.cdcUpdateBase),
    cdcDeleteBase: int64(patch.cdcDeleteBase),
    unidentifiedChangesBase: int64(patch.unidentifiedChangesBase),
    sampledOn: sampledOn === undefined ? undefined : new Date(sampledOn),
    cutoverOn: cutoverOn === undefined ? undefined : new Date(cutoverOn),
    readyForApplicationOn: readyForApplicationOn === undefined ? undefined : new Date(readyForApplicationOn),
    startedOn: startedOn === undefined ? undefined : new Date(startedOn),
    endedOn: endedOn === undefined ? undefined : new Date(endedOn),
    updatedOn: new Date(),
  };
}

function parse(row: Row): DatabaseRow {
  return DatabaseRowColumns.parse(row);
}
