/**
 * Why a subscription's worker cannot apply what comes next. Its error is in the target server's log only, where we may not look; so the first
 * transaction that waits is tried here, in a transaction that is rolled back, and the server says the same again.
 */
import type { ClientBase } from "pg";
import { DatabaseError } from "pg";
import type { ReplicationNames } from "../model/replication-names.js";
import { type Change, type ChangedRelation, type ChangedRow, firstTransaction } from "./change-messages.js";
import { columnList, qualifiedName, quoteIdentifier } from "./identifiers.js";
import { parseLsn } from "./lsn.js";
import { serverWords } from "./statement-failed.js";

/** Changes that are looked at, at most. */
const triedChanges = 200;

/** What decoding may take: a transaction is decoded whole, whatever of it is looked at. */
const decodingSeconds = 30;

/**
 * The first messages of the first transaction that ends after a position, and what relations and types they name (Begin: the position of the commit). Chosen in
 * the server: a transaction's messages may be millions.
 */
const firstPending = `
  with messages as (
    select row_number() over () as number, xid::text as xid, get_byte(data, 0) as kind, data
    from pg_catalog.pg_logical_slot_peek_binary_changes($1, null, 1, 'proto_version', '1', 'publication_names', $2)
  ), pending as (
    select xid
    from messages
    where kind = ascii('B')
      and substring(data from 2 for 8) >= decode($3, 'hex')
    order by number
    limit 1
  )
  (
    select number, data
    from messages
    where kind in (ascii('R'), ascii('Y'))
      and xid not in (select xid from pending)
  )
  union all
  (
    select number, data
    from messages
    where xid in (select xid from pending)
    order by number
    limit ${triedChanges}
  )
  order by number
`;

/**
 * The server's words, with the table; undefined when the transaction could be applied, or cannot be tried (the slot is being read, our user lacks a right).
 * @param applied what the target has applied: a position of the source's WAL
 */
export async function explainApplyFailure(
  source: ClientBase,
  target: ClientBase,
  names: ReplicationNames,
  applied: string,
): Promise<string | undefined> {
  const publications = [names.allChanges, names.insertsOnly].map(quoteIdentifier).join(",");
  try {
    await source.query(`set statement_timeout = '${decodingSeconds}s'`);
    const from = parseLsn(applied).toString(16).padStart(16, "0");
    const { rows } = await source.query<{ data: Buffer }>(firstPending, [names.slot, publications, from]);
    const changes = firstTransaction(
      rows.map(({ data }) => data),
      parseLsn(applied),
    );
    return await tryOut(target, changes);
  } catch (error) {
    // Any refusal here is no explanation; the worker's trouble is told all the same.
    if (error instanceof DatabaseError) return undefined;
    throw error;
  } finally {
    await source.query("reset statement_timeout");
  }
}

const ownerOf = `
  select owner.rolname as role
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  join pg_catalog.pg_roles as owner on owner.oid = c.relowner
  where n.nspname = $1
    and c.relname = $2
    and not pg_catalog.pg_has_role(c.relowner, 'usage')
`;

async function tryOut(target: ClientBase, changes: readonly Change[]): Promise<string | undefined> {
  await target.query("begin");
  try {
    await target.query("set local statement_timeout = '5s'");
    await target.query("set local lock_timeout = '1s'");
    // As the worker: no ordinary triggers, no foreign keys. Where our user may not say so, what those refuse explains nothing.
    const asWorker = await may(target, "set local session_replication_role = replica");
    for (const change of changes.slice(0, triedChanges)) {
      const { text, values } = statementOf(change);
      const [relation] = change.kind === "truncate" ? change.relations : [change.relation];
      if (relation === undefined) continue;
      if (!asWorker) await actAsOwner(target, relation);
      try {
        await target.query(text, values);
      } catch (error) {
        if (!(error instanceof DatabaseError) || notOfTheChange(error, asWorker)) return undefined;
        return `${change.kind} on ${relation.schema}.${relation.name}: ${serverWords(error, true)}`;
      }
    }
    return undefined;
  } finally {
    await target.query("rollback");
  }
}

/** Locks and time-outs are of the moment; a missing right is ours; foreign keys and triggers do not bind the worker. */
function notOfTheChange({ code = "" }: DatabaseError, asWorker: boolean): boolean {
  if (["55P03", "57014", "42501"].includes(code)) return true;
  return !asWorker && (code === "23503" || code.startsWith("P0"));
}

async function actAsOwner(target: ClientBase, { schema, name }: ChangedRelation): Promise<void> {
  const { rows } = await target.query<{ role: string }>(ownerOf, [schema, name]);
  const [owner] = rows;
  if (owner !== undefined) await may(target, `set local role ${quoteIdentifier(owner.role)}`);
}

/** Within a transaction, which a refusal does not end. */
async function may(target: ClientBase, statement: string): Promise<boolean> {
  await target.query("savepoint setting");
  try {
    await target.query(statement);
    await target.query("release savepoint setting");
    return true;
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    await target.query("rollback to savepoint setting; release savepoint setting");
    return false;
  }
}

function statementOf(change: Change): { text: string; values: (string | null)[] } {
  if (change.kind === "truncate") {
    const tables = change.relations.map(({ schema, name }) => qualifiedName(schema, name)).join(", ");
    // The worker does not cascade either: what the source truncated along is named as well.
    return { text: `truncate only ${tables}${change.restartsIdentity ? " restart identity" : ""}`, values: [] };
  }
  const table = qualifiedName(change.relation.schema, change.relation.name);
  const values: (string | null)[] = [];
  const parameter = (value: string | null) => `$${values.push(value)}`;
  const matches = (key: ChangedRow) =>
    [...key]
      .map(([name, value]) =>
        value === null ? `${quoteIdentifier(name)} is null` : `${quoteIdentifier(name)} = ${parameter(value)}`,
      )
      .join(" and ") || "false";
  switch (change.kind) {
    case "insert": {
      const columns = [...change.row.keys()];
      const list = [...change.row.values()].map(parameter).join(", ");
      return { text: `insert into ${table} (${columnList(columns)}) overriding system value values (${list})`, values };
    }
    case "update": {
      const set = [...change.row].map(([name, value]) => `${quoteIdentifier(name)} = ${parameter(value)}`).join(", ");
      return { text: `update ${table} set ${set} where ${matches(change.key)}`, values };
    }
    case "delete":
      return { text: `delete from ${table} where ${matches(change.key)}`, values };
  }
}
