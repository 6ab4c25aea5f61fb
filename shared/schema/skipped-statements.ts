/**
 * Statements that could not be applied but whose lack leaves the data whole: ownership, privileges and the like for roles
 * that the target lacks, or with rights that our user lacks there. They are kept beside the statement ledger, in the
 * transaction that skipped them, so that an activity that dies does not take its warnings along.
 */
import type pg from "pg";
import { quoteIdentifier } from "../postgres/identifiers.js";
import type { SchemaStatement, StatementKind } from "./schema-statement.js";

export interface SkippedStatement {
  readonly statement: Pick<SchemaStatement, "kind" | "object" | "sql">;
  /** The role that the target lacks, if that was the reason. */
  readonly missingRole?: string;
  /** What the server said, if it was asked. */
  readonly message?: string;
}

// "create table if not exists" is not safe against itself: two at once may fail with a unique violation.
const lockCreation = "select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('_pgmig.skipped_statement'))";
const createTable = `
  create table if not exists _pgmig.skipped_statement (
    id bigint generated always as identity primary key,
    kind text not null,
    object text not null,
    sql text not null,
    missing_role text,
    message text
  )`;
const insertRows = `
  insert into _pgmig.skipped_statement (kind, object, sql, missing_role, message)
  select kind, object, sql, missing_role, message
  from jsonb_to_recordset($1::jsonb) as row (kind text, object text, sql text, missing_role text, message text)`;

/** Keeps what a transaction skipped, inside that transaction. */
export async function keepSkipped(target: pg.ClientBase, skipped: readonly SkippedStatement[]): Promise<void> {
  if (skipped.length === 0) return;
  await target.query(lockCreation);
  await target.query(createTable);
  const rows = skipped.map(({ statement: { kind, object, sql }, missingRole, message }) => ({
    kind,
    object,
    sql,
    missing_role: missingRole ?? null,
    message: message ?? null,
  }));
  await target.query(insertRows, [JSON.stringify(rows)]);
}

const tableExists = "select pg_catalog.to_regclass('_pgmig.skipped_statement') is not null as exists";
const summary = `
  select missing_role, case when missing_role is null then kind end as kind,
    jsonb_object_agg(kind, count) as counts, (array_agg(first_sql order by first_id))[1] as first_sql,
    (array_agg(first_object order by first_id))[1] as first_object,
    (array_agg(first_message order by first_id))[1] as first_message
  from (
    select missing_role, kind, count(*) as count, min(id) as first_id,
      (array_agg(sql order by id))[1] as first_sql,
      (array_agg(object order by id))[1] as first_object,
      (array_agg(message order by id))[1] as first_message
    from _pgmig.skipped_statement
    group by missing_role, kind
  ) as by_kind
  group by missing_role, case when missing_role is null then kind end
  order by missing_role nulls last, min(first_id)`;

interface SummaryRow {
  readonly missing_role: string | null;
  readonly counts: Partial<Record<StatementKind, number>>;
  readonly first_sql: string;
  readonly first_object: string;
  readonly first_message: string | null;
}

/**
 * One sentence or two per role that the target lacks and per kind of right that we lack there, for the database's message.
 * To be read before the ledger is dropped.
 */
export async function describeSkipped(target: pg.ClientBase): Promise<string[]> {
  const { rows: existence } = await target.query<{ exists: boolean }>(tableExists);
  if (existence[0]?.exists !== true) return [];
  const { rows } = await target.query<SummaryRow>(summary);
  return rows.map((row) => {
    const what = describeCounts(row.counts);
    return row.missing_role === null
      ? `Not applied: ${what}; the first is ${row.first_object}: ${row.first_message ?? "refused by the server"}. ` +
          `When that is put right, run: ${excerpt(row.first_sql)}`
      : `Role ${quoteIdentifier(row.missing_role)} does not exist on the target: ${what} not applied. ` +
          `Create it and run the statements that name it; the first is: ${excerpt(row.first_sql)}`;
  });
}

const nouns: Partial<Record<StatementKind, readonly [string, string]>> = {
  owner: ["ownership", "ownerships"],
  grant: ["privilege", "privileges"],
  defaultPrivileges: ["default privilege", "default privileges"],
  policy: ["row security policy", "row security policies"],
  userMapping: ["user mapping", "user mappings"],
  comment: ["comment", "comments"],
  publication: ["publication statement", "publication statements"],
  securityLabel: ["security label", "security labels"],
  eventTrigger: ["event trigger statement", "event trigger statements"],
};

function describeCounts(counts: SummaryRow["counts"]): string {
  const parts = Object.entries(counts).map(([kind, count]) => {
    const [one, several] = nouns[kind as StatementKind] ?? ["statement", "statements"];
    return `${count} ${count === 1 ? one : several}`;
  });
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}

function excerpt(sql: string): string {
  const line = sql.replaceAll(/\s+/g, " ");
  return line.length > 200 ? `${line.slice(0, 199)}…` : `${line};`;
}
