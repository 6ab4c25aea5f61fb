/** Whether the source's lock table holds a lock on each of the database's tables, several times over. */

import { userSchema } from "../../../postgres/user-objects.js";
import { runOn } from "../../corrective-action.js";
import type { DatabaseRule } from "../../rule.js";

/**
 * pg_dump, the snapshot's keeper and the one that relieves it each hold ACCESS SHARE on every table. PostgreSQL reserves room for two holders a
 * lock (lock.c, InitLocks).
 */
const locksPerTable = 1.5;

/** The size of the lock table: PostgreSQL docs, max_locks_per_transaction; and proc.c, MaxBackends. */
const lockTable = `
  select
    pg_catalog.current_setting('max_locks_per_transaction')::bigint * backends.number as locks,
    backends.number as sessions,
    (
      select count(*)
      from pg_catalog.pg_class as c
      join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p')
        and ${userSchema("n")}
    ) as tables
  from (
    select sum(setting::bigint) as number
    from pg_catalog.pg_settings
    where name in (
      'max_connections',
      'max_prepared_transactions',
      'max_worker_processes',
      'max_wal_senders',
      'autovacuum_max_workers'
    )
  ) as backends
`;

export const rule: DatabaseRule = {
  id: "lock-capacity",
  title: "Source can lock all tables of the database at once",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "Raise `max_locks_per_transaction` of the source and restart it.",
  check: async ({ source, database }) => {
    const { rows } = await source.query<{ locks: string; sessions: string; tables: string }>(lockTable);
    const [row] = rows;
    if (row === undefined) return [];
    const needed = Math.ceil(Number(row.tables) * locksPerTable);
    if (needed <= Number(row.locks)) return [];
    const wanted = Math.ceil(needed / Number(row.sessions)) + 1;
    return [
      {
        state: "Warning",
        message:
          `Database ${database} has ${row.tables} tables: their locks (${needed}) may not fit into the source's lock table (${row.locks}). Set the server ` +
          `parameter max_locks_per_transaction to at least ${wanted} and restart the server.` +
          runOn("source", [`ALTER SYSTEM SET max_locks_per_transaction = ${wanted};`]),
      },
    ];
  },
};
