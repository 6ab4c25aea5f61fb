/** Tables that the target refuses as they are: created without what they are refused for, so that their rows have a place. */
import type pg from "pg";
import type { DatabaseRun } from "../model/steps.js";
import { serverVersion } from "../postgres/source-tables.js";
import { rowOf } from "../run/keep-unapplied.js";
import { tryAgain } from "../schema/apply-statements.js";
import { reduceTable } from "../schema/reduce-table.js";
import { isThereAlready } from "../schema/unapplied-statement.js";
import { listStatements, recordStatements, type StatementRow } from "../status/statements.js";

/**
 * What a table lacks then is noted as refused, to be tried like every refused statement.
 * @returns how many tables were created
 */
export async function createReducedTables(run: DatabaseRun, target: pg.Client): Promise<number> {
  const refused = (await listStatements(run.key, run.database)).filter(
    ({ attempt, fate, statementKind }) => attempt === run.attempt && fate === "refused" && statementKind === "table",
  );
  if (refused.length === 0) return 0;
  const version = await serverVersion(target);
  let created = 0;
  for (const row of refused) {
    if (await createReduced(run, target, row, version)) created += 1;
  }
  return created;
}

async function createReduced(
  run: DatabaseRun,
  target: pg.Client,
  row: StatementRow,
  version: number,
): Promise<boolean> {
  const reduced = reduceTable(row.statement, version);
  if (reduced === undefined) return false;
  const refusal = await tryAgain(target, { sql: reduced.sql, kind: "table", object: row.object, roles: [] });
  // An activity that died between the table and its note has created it.
  const createdBefore = isThereAlready(refusal?.code) && !isThereAlready(row.code);
  if (refusal !== undefined && !createdBefore) return false;
  await recordStatements(run.key, [
    ...reduced.completions.map((statement, index) =>
      rowOf(
        run,
        {
          statement,
          fate: statement.kind === "tuning" ? "leftOut" : "refused",
          ...(row.code === undefined ? {} : { code: row.code }),
          ...(row.message === undefined ? {} : { message: row.message }),
          remedy: row.remedy ?? "",
        },
        { order: row.order, id: String(index + 2).padStart(4, "0") },
      ),
    ),
    { ...row, fate: "applied" },
  ]);
  return true;
}
