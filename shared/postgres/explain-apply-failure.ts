/**
 * Why a subscription's worker cannot apply what comes next. Its error is in the target server's log only, where we may not look; so the first
 * transaction that waits is tried here, in a transaction that is rolled back, and the server says the same again.
 */
import type { ClientBase } from "pg";
import { DatabaseError } from "pg";
import type { ReplicationNames } from "../model/replication-names.js";
import { type Change, type ChangedRow, firstTransaction } from "./change-messages.js";
import { columnList, qualifiedName, quoteIdentifier } from "./identifiers.js";
import { parseLsn } from "./lsn.js";
import { serverWords } from "./statement-failed.js";

/** Changes that are looked at, at most. */
const triedChanges = 200;

const pendingMessages = `
  select data
  from pg_catalog.pg_logical_slot_peek_binary_changes($1, null, ${triedChanges}, 'proto_version', '1', 'publication_names', $2)
`;

/**
 * The server's words, with the table; undefined when the transaction could be applied, or cannot be tried (the slot is being read, the user is no
 * superuser).
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
    await source.query("set statement_timeout = '5s'");
    const { rows } = await source.query<{ data: Buffer }>(pendingMessages, [names.slot, publications]);
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

async function tryOut(target: ClientBase, changes: readonly Change[]): Promise<string | undefined> {
  await target.query("begin");
  try {
    await target.query("set local statement_timeout = '5s'");
    await target.query("set local lock_timeout = '1s'");
    // As the worker: no ordinary triggers, no foreign keys.
    await target.query("set local session_replication_role = replica");
    for (const change of changes.slice(0, triedChanges)) {
      const { text, values } = statementOf(change);
      try {
        await target.query(text, values);
      } catch (error) {
        if (!(error instanceof DatabaseError) || error.code === "55P03" || error.code === "57014") return undefined;
        return `${change.kind} on ${change.relation.schema}.${change.relation.name}: ${serverWords(error, true)}`;
      }
    }
    return undefined;
  } finally {
    await target.query("rollback");
  }
}

function statementOf(change: Change): { text: string; values: (string | null)[] } {
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
