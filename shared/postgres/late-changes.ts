/** What a slot still has that the target has not applied: writes that reached the source after the cutover point. */
import type { ClientBase } from "pg";
import type { ReplicationNames } from "../model/replication-names.js";
import { quoteIdentifier } from "./identifiers.js";
import { parseLsn } from "./lsn.js";

/** Row changes that are counted at most: beyond that there are "at least" so many. */
const countedChanges = 10_000;

const freeSlot = `
  select pg_catalog.pg_terminate_backend(active_pid)
  from pg_catalog.pg_replication_slots
  where slot_name = $1
    and active_pid is not null
`;

/** Only the head of each message crosses the network. */
const pendingMessages = `
  select substring(data from 1 for 14) as head
  from pg_catalog.pg_logical_slot_peek_binary_changes($1, null, ${countedChanges}, 'proto_version', '1', 'publication_names', $2)
`;

const relationNames = `
  select c.oid::int8::text as oid, n.nspname || '.' || c.relname as name
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.oid::int8 = any ($1)
`;

export interface LateChanges {
  /** Changes by table, "schema.name". */
  readonly tables: ReadonlyMap<string, number>;
  readonly total: number;
  /** Whether there may be more than were counted. */
  readonly more: boolean;
}

/**
 * Counts them without taking them off the slot, which nobody may be reading from: who does is ended.
 * @param applied end of the last transaction that the target has applied
 */
export async function readLateChanges(
  source: ClientBase,
  names: ReplicationNames,
  applied: string,
): Promise<LateChanges> {
  const publications = [names.allChanges, names.insertsOnly].map(quoteIdentifier).join(",");
  const rows = await whenFree(source, names.slot, async () => {
    return (await source.query<{ head: Buffer }>(pendingMessages, [names.slot, publications])).rows;
  });
  const byRelation = countByRelation(
    rows.map(({ head }) => head),
    parseLsn(applied),
  );
  const known = await source.query<{ oid: string; name: string }>(relationNames, [[...byRelation.keys()]]);
  const tables = new Map(
    [...byRelation].map(([oid, changes]) => [
      known.rows.find((row) => row.oid === String(oid))?.name ?? `relation ${oid}`,
      changes,
    ]),
  );
  const total = [...byRelation.values()].reduce((sum, changes) => sum + changes, 0);
  return { tables, total, more: rows.length >= countedChanges };
}

async function whenFree<T>(source: ClientBase, slot: string, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      await source.query(freeSlot, [slot]);
      return await work();
    } catch (error) {
      if (attempt >= 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/**
 * Logical replication's messages (PostgreSQL docs, "Logical Replication Message Formats", version 1): Begin has the position of the commit, which is before
 * the transaction's end; Insert, Update, Delete have their relation first, Truncate after a number and a byte.
 */
function countByRelation(heads: readonly Buffer[], applied: bigint): Map<number, number> {
  const changes = new Map<number, number>();
  let pending = true;
  for (const head of heads) {
    const kind = String.fromCharCode(head[0] ?? 0);
    if (kind === "B") pending = head.readBigUInt64BE(1) >= applied;
    const relationAt = kind === "T" ? 6 : "IUD".includes(kind) ? 1 : undefined;
    if (relationAt === undefined || !pending) continue;
    const relation = head.readUInt32BE(relationAt);
    changes.set(relation, (changes.get(relation) ?? 0) + 1);
  }
  return changes;
}
