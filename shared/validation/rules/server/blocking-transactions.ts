/**
 * Transactions that a new replication slot would have to wait for: those that were writing when it was created (PostgreSQL docs, "Replication
 * Slots": a consistent point is reached when all of them have ended). A prepared one ends by itself never.
 */
import type pg from "pg";
import { quoteLiteral } from "../../../postgres/identifiers.js";
import { runOn } from "../../corrective-action.js";
import { inTime } from "../../quantities.js";
import type { RuleFinding, ServerRule } from "../../rule.js";

/** Younger ones are daily business, and over before anybody has read of them. */
const longSeconds = 10;

const preparedTransactions = `
  select gid, database, owner, extract(epoch from now() - prepared)::float8 as seconds
  from pg_catalog.pg_prepared_xacts
  order by prepared
`;

/** The state of others' sessions is null for those who may not see it. */
const longTransactions = `
  select
    pid,
    usename as user_name,
    datname as database,
    extract(epoch from clock_timestamp() - xact_start)::float8 as seconds,
    left(query, 200) as query
  from pg_catalog.pg_stat_activity
  where pid <> pg_catalog.pg_backend_pid()
    and (backend_xid is not null or backend_xmin is not null)
    and xact_start < clock_timestamp() - make_interval(secs => $1)
    and datname is not null
  order by xact_start
`;

const hiddenSessions = `
  select count(*)::integer as sessions
  from pg_catalog.pg_stat_activity
  where datname is not null
    and pid <> pg_catalog.pg_backend_pid()
    and query = '<insufficient privilege>'
`;

interface LongTransaction {
  pid: number;
  user_name: string | null;
  database: string;
  seconds: number;
  query: string;
}

export const rule: ServerRule = {
  id: "blocking-transactions",
  title: "No transaction on the source that replication would wait for",
  scope: "server",
  modes: ["Online"],
  remedy: "Commit or roll back the prepared transaction in its database; end the session of the long one.",
  check: async ({ source }) => [...(await prepared(source)), ...(await long(source)), ...(await hidden(source))],
};

async function prepared(source: pg.Client): Promise<RuleFinding[]> {
  const { rows } = await source.query<{ gid: string; database: string; owner: string; seconds: number }>(
    preparedTransactions,
  );
  return rows.map(({ gid, database, owner, seconds }) => ({
    state: "Failed",
    message:
      `Transaction ${quoteLiteral(gid)} of ${owner} in database ${database} has been prepared ${inTime(seconds)} ago and is open: no replication ` +
      `slot could be created. Let its transaction manager commit it, or roll it back in database ${database}.` +
      runOn("source", [`ROLLBACK PREPARED ${quoteLiteral(gid)};`]),
  }));
}

async function long(source: pg.Client): Promise<RuleFinding[]> {
  const { rows } = await source.query<LongTransaction>(longTransactions, [longSeconds]);
  return rows.map(({ pid, user_name, database, seconds, query }) => ({
    state: "Warning",
    message:
      `Session ${pid} of ${user_name} in database ${database} is in a transaction that began ${inTime(seconds)} ago, last statement: ` +
      `${query.replace(/\s+/g, " ")} — replication waits until it has ended.` +
      runOn("source", [`SELECT pg_terminate_backend(${pid});`]),
  }));
}

async function hidden(source: pg.Client): Promise<RuleFinding[]> {
  const { rows } = await source.query<{ sessions: number }>(hiddenSessions);
  const sessions = rows[0]?.sessions ?? 0;
  if (sessions === 0) return [];
  return [
    {
      state: "Succeeded",
      message: `${sessions} sessions of other users cannot be looked into; members of pg_monitor can.`,
    },
  ];
}
