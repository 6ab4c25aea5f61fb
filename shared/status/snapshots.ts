/**
 * Which exported snapshot a database's base copy reads, in the columns of `MigrationDatabases`. There is one snapshot an attempt: its name changes with every relay,
 * its generation counts them, and what it shows stays the same.
 */
import { getDatabase } from "./databases.js";
import { entityKey } from "./entity-key.js";
import { isStatus, table } from "./storage.js";

export interface PublishedSnapshot {
  /** Which run of the base copy reads it, from 1. */
  readonly attempt: number;
  /** 1 for the snapshot's first keeper, one more for each relay. */
  readonly generation: number;
  /** The name that pg_export_snapshot() gave. */
  readonly snapshot: string;
}

/** The snapshot that copies of this attempt read; undefined before it is opened and after it was closed. */
export async function currentSnapshot(
  key: string,
  database: string,
  attempt: number,
): Promise<PublishedSnapshot | undefined> {
  const row = await getDatabase(key, database);
  if (row?.snapshot === undefined || row.snapshotAttempt !== attempt) return undefined;
  return { attempt, generation: row.snapshotGeneration, snapshot: row.snapshot };
}

/** Whether a snapshot of this attempt has been opened, be it closed by now: then it must not be opened again. */
export async function wasOpened(key: string, database: string, attempt: number): Promise<boolean> {
  const row = await getDatabase(key, database);
  return row !== undefined && row.snapshotAttempt >= attempt;
}

/**
 * Publishes a keeper's snapshot. Only the first keeper of a generation may: two of the first generation would show different rows.
 * @returns false when another one was first, or the attempt is over; the caller's keeper is not needed then.
 */
export async function publishSnapshot(key: string, database: string, published: PublishedSnapshot): Promise<boolean> {
  return await exchange(key, database, published, (row) =>
    published.generation === 1
      ? row.snapshotAttempt < published.attempt
      : row.snapshotAttempt === published.attempt &&
        row.snapshot !== "" &&
        row.snapshotGeneration === published.generation - 1,
  );
}

/**
 * No copy of this attempt begins any more. Converges when repeated.
 * @param reason why the copy cannot go on: kept for those that find the snapshot gone.
 * @returns whether this call has withdrawn it.
 */
export async function withdrawSnapshot(key: string, database: string, attempt: number, reason = ""): Promise<boolean> {
  return await exchange(
    key,
    database,
    { attempt, generation: 0, snapshot: "", withdrawn: reason },
    (row) => row.snapshotAttempt <= attempt && (row.snapshotAttempt < attempt || row.snapshot !== ""),
  );
}

/** Why this attempt's snapshot was withdrawn before the copy was over; undefined if it was not. */
export async function reasonOfWithdrawal(key: string, database: string, attempt: number): Promise<string | undefined> {
  const row = await getDatabase(key, database);
  return row?.snapshotAttempt === attempt && row.snapshot === undefined ? row.snapshotWithdrawn : undefined;
}

interface SnapshotColumns {
  readonly snapshot: string;
  readonly snapshotAttempt: number;
  readonly snapshotGeneration: number;
}

/** Compares and sets under the row's ETag, until nobody comes between. */
async function exchange(
  key: string,
  database: string,
  next: PublishedSnapshot & { readonly withdrawn?: string },
  allowed: (row: SnapshotColumns) => boolean,
): Promise<boolean> {
  const client = await table("MigrationDatabases");
  for (;;) {
    const row = await client.getEntity<Partial<SnapshotColumns>>(key, entityKey(database));
    const { snapshot = "", snapshotAttempt = 0, snapshotGeneration = 0 } = row;
    // The write that came before may have got through, and its answer been lost.
    if (
      snapshot !== "" &&
      snapshot === next.snapshot &&
      snapshotAttempt === next.attempt &&
      snapshotGeneration === next.generation
    )
      return true;
    if (!allowed({ snapshot, snapshotAttempt, snapshotGeneration })) return false;
    try {
      await client.updateEntity(
        {
          partitionKey: key,
          rowKey: entityKey(database),
          snapshot: next.snapshot,
          snapshotAttempt: next.attempt,
          snapshotGeneration: next.generation,
          snapshotWithdrawn: next.withdrawn ?? "",
        },
        "Merge",
        { etag: row.etag },
      );
      return true;
    } catch (error) {
      // 412: the row has changed since we read it. Look again.
      if (!isStatus(error, 412)) throw error;
    }
  }
}
