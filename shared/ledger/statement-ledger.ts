/** The schema's statements that have been carried out: each is recorded in its own transaction, so that it takes effect once. */
import pg from "pg";
import { quoteLiteral } from "../postgres/identifiers.js";
import { ledgerOf, ledgerSql, queryLedger } from "./ledger-name.js";

export interface LedgerStatement {
  /** The same for everybody who asks for this statement. */
  readonly id: string;
  /** What it is about, for people. */
  readonly object: string;
  /** Who carries it out. */
  readonly instance: string;
}

const insertRow = `
  insert into _pgmig.statement_ledger (id, object, instance)
  values ($1, $2, $3)
  on conflict (id) do nothing
`;

/**
 * Records a statement within the caller's transaction. Another runner's transaction is waited for.
 * @returns false when it has been carried out
 */
export async function recordStatement(
  target: pg.ClientBase,
  { id, object, instance }: LedgerStatement,
): Promise<boolean> {
  return (await queryLedger(target, insertRow, [id, object, instance])).rowCount !== 0;
}

/** SQL text that records a statement, for one message with the statement itself: what isRecorded() says of its error is all the answer there is. */
export async function recordingSql(target: pg.ClientBase, { id, object, instance }: LedgerStatement): Promise<string> {
  const values = [id, object, instance].map(quoteLiteral).join(", ");
  return `${await ledgerSql(target, "insert into _pgmig.statement_ledger (id, object, instance)")} values (${values})`;
}

/** Whether recordingSql() has failed because somebody else has carried the statement out meanwhile. */
export async function isRecorded(target: pg.ClientBase, error: unknown): Promise<boolean> {
  return (
    error instanceof pg.DatabaseError &&
    error.code === "23505" &&
    error.table === "statement_ledger" &&
    error.schema === (await ledgerOf(target))
  );
}
