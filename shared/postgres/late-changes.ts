/** What a slot still has that the target has not applied: writes that reached the source after the cutover point. */
import type { ClientBase } from "pg";
import { DatabaseError } from "pg";
import type { ReplicationNames } from "../model/replication-names.js";
import { quoteIdentifier } from "./identifiers.js";
import { parseLsn } from "./lsn.js";

/** Transactions are counted as long as there are fewer row changes than this: beyond that there are "at least" so many. */
const countedChanges = 10_000;

/** What decoding may take: a transaction of any size is decoded whole. */
const decodingSeconds = 60;

const freeSlot = `
  select pg_catalog.pg_terminate_backend(active_pid)
  from pg_catalog.pg_replication_slots
  where slot_name = $1
    and active_pid is not null
`;

/**
 * Logical replication's messages (PostgreSQL docs, "Logical Replication Message Formats", version 1): Begin has the position of the commit, which is before
 * the transaction's end; Insert, Update, Delete have their relation first, Truncate after a number and a byte. Counted in the server: a transaction's messages may
 * be millions. Byte strings are compared as unsigned numbers of the same length are.
 */
const pendingChanges = `
  with messages as (
    select xid::text as xid, get_byte(data, 0) as kind, substring(data from 1 for 14) as head
    from pg_catalog.pg_logical_slot_peek_binary_changes($1, null, ${countedChanges}, 'proto_version', '1', 'publication_names', $2)
  ), pending as (
    select xid
    from messages
    where kind = ascii('B')
      and substring(head from 2 for 8) >= decode($3, 'hex')
  ), changes as (
    select case kind when ascii('T') then substring(head from 7 for 4) else substring(head from 2 for 4) end as relation
    from messages
    where kind in (ascii('I'), ascii('U'), ascii('D'), ascii('T'))
      and xid in (select xid from pending)
  )
  select ('x' || encode(relation, 'hex'))::bit(32)::int8::text as oid, count(*)::float8 as changes
  from changes
  group by relation
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
  const from = parseLsn(applied).toString(16).padStart(16, "0");
  const counted = await decodeWithin(source, () =>
    whenFree(source, names.slot, async () => {
      const { rows } = await source.query<{ oid: string; changes: number }>(pendingChanges, [
        names.slot,
        publications,
        from,
      ]);
      return rows;
    }),
  );
  if (counted === undefined) return { tables: new Map(), total: 0, more: true };
  const known = await source.query<{ oid: string; name: string }>(relationNames, [counted.map(({ oid }) => oid)]);
  const tables = new Map(
    counted.map(({ oid, changes }) => [known.rows.find((row) => row.oid === oid)?.name ?? `relation ${oid}`, changes]),
  );
  const total = counted.reduce((sum, { changes }) => sum + changes, 0);
  return { tables, total, more: total >= countedChanges };
}

/** Undefined when the source has not decoded it in time. */
async function decodeWithin<T>(source: ClientBase, work: () => Promise<T>): Promise<T | undefined> {
  try {
    await source.query(`set statement_timeout = '${decodingSeconds}s'`);
    return await work();
  } catch (error) {
    if (error instanceof DatabaseError && error.code === "57014") return undefined;
    throw error;
  } finally {
    await source.query("set statement_timeout = 0");
  }
}

async function whenFree<T>(source: ClientBase, slot: string, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      await source.query(freeSlot, [slot]);
      return await work();
    } catch (error) {
      // 55006: the slot is being read.
      if (!(error instanceof DatabaseError) || error.code !== "55006" || attempt >= 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
