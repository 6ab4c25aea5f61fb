/** Noting statements that were not applied where people, and a later attempt, find them. */
import type { DatabaseRun } from "../model/steps.js";
import { objectKind } from "../schema/object-name.js";
import type { UnappliedStatement } from "../schema/unapplied-statement.js";
import { recordStatements, type StatementRow } from "../status/statements.js";

/** Where the statement comes from when it is not one of the plan's own: a part of another, told apart by its id. */
export interface Origin {
  readonly order: number;
  readonly id: string;
}

/** Notes statements of a database's run. Noting one again replaces what was noted. */
export async function keepUnapplied(run: DatabaseRun, statements: readonly UnappliedStatement[]): Promise<void> {
  await recordStatements(
    run.key,
    statements.map((one) => rowOf(run, one, { order: one.statement.order ?? 0, id: "1" })),
  );
}

/** A row of MigrationStatements for a statement that was tried for the first time. */
export function rowOf({ database, attempt }: DatabaseRun, one: UnappliedStatement, origin: Origin): StatementRow {
  const { statement, fate, code, message, missingRole, remedy } = one;
  return {
    database,
    attempt,
    ...origin,
    kind: objectKind(statement.object),
    statementKind: statement.kind,
    object: statement.object,
    fate,
    code,
    message,
    statement: statement.sql,
    remedy,
    missingRole,
    pass: 0,
  };
}
