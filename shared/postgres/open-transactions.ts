/** Transactions that have written in a database and have not ended: what they commit comes after any position of the WAL that is taken now. */
import type { ClientBase } from "pg";
import { quoteLiteral } from "./identifiers.js";

export interface OpenTransaction {
  /** Transaction ID, as text. */
  readonly xid: string;
  /** Who it is, for people, with what ends it. */
  readonly who: string;
}

/**
 * By their locks on their own IDs, which anybody may see; pg_stat_activity hides backend_xid of others from who may not read all statistics. A prepared
 * transaction belongs to no session. Autovacuum and our own sessions write nothing that anybody would miss.
 */
const openTransactions = `
  select
    l.transactionid::text as xid,
    a.pid,
    a.usename as role,
    a.application_name as application,
    a.xact_start::text as since,
    null as gid
  from pg_catalog.pg_locks as l
  join pg_catalog.pg_stat_activity as a on a.pid = l.pid
  where l.locktype = 'transactionid'
    and l.mode = 'ExclusiveLock'
    and l.granted
    and a.datname = pg_catalog.current_database()
    and a.pid <> pg_catalog.pg_backend_pid()
    and left(a.application_name, 10) <> 'migration '
    and coalesce(a.backend_type, '') <> 'autovacuum worker'
  union all
  select transaction::text, null, owner, null, prepared::text, gid
  from pg_catalog.pg_prepared_xacts
  where database = pg_catalog.current_database()
  order by since
`;

/** Those of the session's database; of sessions and prepared ones (from PostgreSQL 10 on). */
export async function listOpenTransactions(source: ClientBase): Promise<OpenTransaction[]> {
  const { rows } = await source.query<{
    xid: string;
    pid: number | null;
    role: string | null;
    application: string | null;
    since: string | null;
    gid: string | null;
  }>(openTransactions);
  return rows.map(({ xid, pid, role, application, since, gid }) => ({
    xid,
    who:
      gid !== null
        ? `prepared transaction ${gid} of ${role} since ${since} (COMMIT PREPARED ${quoteLiteral(gid)}; or ROLLBACK PREPARED ${quoteLiteral(gid)};)`
        : `session ${pid} of ${role}${application ? ` (${application})` : ""}${since === null ? "" : ` since ${since}`} (end it, or SELECT pg_terminate_backend(${pid});)`,
  }));
}

/** Transactions that a text names. */
const named = 5;

/** A subtransaction has an ID of its own: a session is named once. */
export function describeOpenTransactions(transactions: readonly OpenTransaction[]): string {
  const who = [...new Set(transactions.map((transaction) => transaction.who))];
  return `${who.slice(0, named).join(", ")}${who.length > named ? ` and ${who.length - named} more` : ""}`;
}
