/**
 * The snapshot of one source database that its whole base copy is read from, and how it is kept open.
 *
 * A keeper is a session that exported the snapshot and then sleeps in the server for a bounded time: a detached statement. No function waits
 * with it, so no machine's death loses the snapshot; and when the whole service is gone for longer than the keeper's life, the
 * source is free of it by itself. A relay is the next keeper: it imports the snapshot from the one before, while that one sleeps.
 *
 * Every keeper also holds ACCESS SHARE on the tables, as pg_dump does: TRUNCATE and the commands that rewrite a table (VACUUM FULL,
 * CLUSTER, some ALTER TABLE) are not MVCC-safe or move rows to other ctids, and must wait until the copy is over.
 */
import type pg from "pg";
import { DatabaseError } from "pg";
import { ServiceError } from "../model/service-error.js";
import { abandonSession, type ConnectOptions, connect, endSession } from "./connect.js";
import { qualifiedName } from "./identifiers.js";
import { userSchema } from "./user-objects.js";

/** Tables that one LOCK statement names at most: keeps the statement's text short. */
const tablesPerLock = 500;

export interface KeeperOptions {
  /** The exported snapshot to take over; left out, the keeper takes a new one. */
  readonly predecessor?: string;
  /** Seconds that the keeper lives. */
  readonly lifeSeconds: number;
  /**
   * Seconds to wait for another session's ACCESS EXCLUSIVE lock before giving up with a message that names the table: for so long the tables that are locked
   * already are held against others.
   */
  readonly lockTimeoutSeconds: number;
}

/**
 * Opens a keeper on the source database and leaves it asleep in the server.
 * @returns the name of the exported snapshot, for importSnapshot().
 * @throws ServiceError SnapshotLost when the predecessor is gone; TableLocked when another session keeps a table locked.
 */
export async function openKeeper(options: ConnectOptions, keeper: KeeperOptions): Promise<string> {
  const client = await connect(options);
  try {
    if (keeper.predecessor === undefined) {
      await client.query("begin isolation level repeatable read read only");
    } else {
      await importSnapshot(client, keeper.predecessor);
    }
    const { rows } = await client.query<{ snapshot: string }>("select pg_catalog.pg_export_snapshot() as snapshot");
    const snapshot = rows[0]?.snapshot;
    if (snapshot === undefined)
      throw new ServiceError("SnapshotLost", "The source exported no snapshot. Start the migration again.");
    await lockTables(client, keeper.lockTimeoutSeconds);
    await sleepDetached(client, keeper.lifeSeconds);
    return snapshot;
  } catch (error) {
    await endSession(client);
    throw error;
  }
}

/**
 * Begins a read-only transaction in an exported snapshot.
 * @throws ServiceError SnapshotLost when no session holds that snapshot any more.
 */
export async function importSnapshot(client: pg.ClientBase, snapshot: string): Promise<void> {
  await client.query("begin isolation level repeatable read read only");
  try {
    // SET TRANSACTION SNAPSHOT takes a literal only; the name is one that pg_export_snapshot() gave us.
    await client.query(`set transaction snapshot '${snapshotLiteral(snapshot)}'`);
  } catch (error) {
    if (!isSnapshotGone(error)) throw error;
    throw new ServiceError(
      "SnapshotLost",
      `Snapshot ${snapshot} of the source is gone (${error.message}): every session that kept it was ended.`,
      { cause: error },
    );
  }
}

/** Whether an exported snapshot can still be read from: a session that has imported it does not keep it for others. The session must be outside a transaction. */
export async function isSnapshotHeld(client: pg.ClientBase, snapshot: string): Promise<boolean> {
  try {
    await importSnapshot(client, snapshot);
    return true;
  } catch (error) {
    if (error instanceof ServiceError && error.code === "SnapshotLost") return false;
    throw error;
  } finally {
    await client.query("rollback");
  }
}

/** Snapshot names are hexadecimal words and hyphens; anything else did not come from the server. */
function snapshotLiteral(snapshot: string): string {
  if (!/^[0-9A-F-]+$/i.test(snapshot)) throw new Error("not the name of an exported snapshot");
  return snapshot;
}

function isSnapshotGone(error: unknown): error is DatabaseError {
  // No such snapshot: 22023 up to PostgreSQL 16, 42704 since; its transaction has just ended: 55000.
  return error instanceof DatabaseError && ["22023", "42704", "55000"].includes(error.code ?? "");
}

const userTables = `
  select n.nspname as schema, c.relname as name
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p')
    and c.relpersistence <> 't'
    and ${userSchema("n")}
    and pg_catalog.has_table_privilege(c.oid, 'select')
  order by c.oid
`;

/** In the snapshot's own view of the catalog the file node is the one of then; the function tells today's. */
const rewrittenTables = `
  select n.nspname as schema, c.relname as name
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.relkind = 'r'
    and c.relpersistence <> 't'
    and ${userSchema("n")}
    and c.relfilenode <> pg_catalog.pg_relation_filenode(c.oid)
  limit 1
`;

async function lockTables(client: pg.ClientBase, timeoutSeconds: number): Promise<void> {
  const { rows: tables } = await client.query<{ schema: string; name: string }>(userTables);
  await client.query(`set local lock_timeout = '${Math.ceil(timeoutSeconds * 1_000)}ms'`);
  for (let first = 0; first < tables.length; first += tablesPerLock) {
    const names = tables
      .slice(first, first + tablesPerLock)
      .map(({ schema, name }) => `only ${qualifiedName(schema, name)}`);
    try {
      await client.query(`lock table ${names.join(", ")} in access share mode`);
    } catch (error) {
      throw lockFailure(error, timeoutSeconds);
    }
  }
  const { rows: rewritten } = await client.query<{ schema: string; name: string }>(rewrittenTables);
  const table = rewritten[0];
  if (table !== undefined) {
    throw new ServiceError(
      "SnapshotLost",
      `Table ${qualifiedName(table.schema, table.name)} was truncated or rewritten while the snapshot was taken.`,
    );
  }
}

function lockFailure(error: unknown, timeoutSeconds: number): unknown {
  if (!(error instanceof DatabaseError)) return error;
  if (error.code === "55P03") {
    return new ServiceError(
      "TableLocked",
      `The source's tables could not be locked against TRUNCATE and rewrites within ${timeoutSeconds} s (${error.message}). ` +
        "End the session that holds an ACCESS EXCLUSIVE lock (see pg_locks), then migrate again.",
      { cause: error },
    );
  }
  // A table dropped or altered after the snapshot was taken: the catalog that we read is older than the table.
  if (error.code === "42P01") {
    return new ServiceError(
      "SnapshotLost",
      `A table of the source was dropped while the snapshot was taken: ${error.message}.`,
      {
        cause: error,
      },
    );
  }
  return error;
}

/**
 * Leaves the session asleep. The socket may close only when the server has surely begun the statement: a session that is idle when
 * its client goes ends, and the snapshot with it. BEGIN inside a transaction does nothing but warn, and a warning is sent at once: having it
 * proves that the server has the whole message, sleep included.
 */
async function sleepDetached(client: pg.Client, seconds: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    client.once("notice", () => resolve());
    // Nobody waits for the answer of the sleep itself: abandonSession() below makes this promise fail, after it has been resolved.
    client.query(`begin; select pg_catalog.pg_sleep(${Math.ceil(seconds)})`).catch(reject);
  });
  abandonSession(client);
}
