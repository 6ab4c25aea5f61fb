/** Who waits for a lock because of us: our sessions hold ACCESS SHARE on the source's tables, and what waits for ACCESS EXCLUSIVE makes everybody behind it wait too. */
import type pg from "pg";
import { applicationNamePrefix } from "./application-name.js";

/** A session of somebody else's that cannot go on before ours have let a table go. */
export interface LockWaiter {
  readonly pid: number;
  readonly user: string;
  /** Its application_name, "" if it has none. */
  readonly application: string;
  /** The beginning of its statement; undefined where the user that asks may not see it. */
  readonly statement: string | undefined;
  /** The table or index that it waits for, as text. */
  readonly relation: string;
  /** How long it has waited, in seconds; undefined where the server does not tell (before PostgreSQL 14). */
  readonly seconds: number | undefined;
  /** Sessions that wait for the same relation. */
  readonly behind: number;
}

/** The longest beginning of a statement that is shown, in characters. */
const statementLength = 200;

/**
 * Two conflict with ACCESS SHARE only if one is ACCESS EXCLUSIVE (PostgreSQL docs, "Table-Level Locks"). What waits for our transactions to end, such as
 * CREATE INDEX CONCURRENTLY, makes nobody else wait and is not listed.
 */
const from14 = `
  select
    waiting.pid,
    coalesce(session.usename, '') as "user",
    coalesce(session.application_name, '') as application,
    nullif(left(session.query, ${statementLength}), '<insufficient privilege>') as statement,
    waiting.relation::pg_catalog.regclass::text as relation,
    extract(epoch from pg_catalog.clock_timestamp() - waiting.waitstart)::float8 as seconds,
    (
      select count(*)::int
      from pg_catalog.pg_locks as other
      where other.database = waiting.database
        and other.relation = waiting.relation
        and other.pid <> waiting.pid
        and not other.granted
    ) as behind
  from pg_catalog.pg_locks as waiting
  join pg_catalog.pg_stat_activity as session on session.pid = waiting.pid
  where waiting.locktype = 'relation'
    and waiting.mode = 'AccessExclusiveLock'
    and not waiting.granted
    and waiting.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
    and left(session.application_name, length($1)) <> $1
    and exists (
      select
      from pg_catalog.pg_locks as held
      join pg_catalog.pg_stat_activity as ours on ours.pid = held.pid
      where held.locktype = 'relation'
        and held.database = waiting.database
        and held.relation = waiting.relation
        and held.granted
        and left(ours.application_name, length($1)) = $1
    )
  order by waiting.pid
`;

const before14 = from14.replace(
  "extract(epoch from pg_catalog.clock_timestamp() - waiting.waitstart)::float8 as seconds",
  "null::float8 as seconds",
);

/** Those in the database of the session, because of any session of the migration's. @param version server_version_num */
export async function listLockWaiters(
  client: pg.ClientBase,
  { migrationKey, version }: { readonly migrationKey: string; readonly version: number },
): Promise<LockWaiter[]> {
  const { rows } = await client.query<
    Omit<LockWaiter, "statement" | "seconds"> & { statement: string | null; seconds: number | null }
  >(version >= 140_000 ? from14 : before14, [applicationNamePrefix(migrationKey)]);
  return rows.map(({ statement, seconds, ...waiter }) => ({
    ...waiter,
    statement: statement ?? undefined,
    seconds: seconds ?? undefined,
  }));
}

/** Whoever makes a temporary table has such a lock on it: it is nobody else's. One that is only being created is not seen. */
const exclusiveLocks = `
  select count(*)::int as locks
  from pg_catalog.pg_locks as l
  join pg_catalog.pg_class as c on c.oid = l.relation and c.relpersistence <> 't'
  left join pg_catalog.pg_stat_activity as session on session.pid = l.pid
  where l.locktype = 'relation'
    and l.mode = 'AccessExclusiveLock'
    and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
    and left(coalesce(session.application_name, ''), length($1)) <> $1
`;

/** Whether anybody else has, or waits for, a lock that keeps others from reading a table of the session's database. */
export async function hasExclusiveLocks(client: pg.ClientBase, migrationKey: string): Promise<boolean> {
  const { rows } = await client.query<{ locks: number }>(exclusiveLocks, [applicationNamePrefix(migrationKey)]);
  return (rows[0]?.locks ?? 0) > 0;
}
