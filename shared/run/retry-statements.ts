/**
 * Trying statements again that the target has refused: in the plan's order, in passes, as long as a pass makes progress.
 * This cures every wrong order, and what somebody has put right meanwhile.
 */
import type pg from "pg";
import type { DetachedOutcome } from "../ledger/detached-statement.js";
import { ServiceError } from "../model/service-error.js";
import type { DatabaseRun, Progressed } from "../model/steps.js";
import { type ConnectOptions, withConnection } from "../postgres/connect.js";
import { tryAgain } from "../schema/apply-statements.js";
import { explainUnqualifiedName } from "../schema/explain-unqualified-name.js";
import type { StatementKind } from "../schema/schema-statement.js";
import { isRefusal, isThereAlready, type UnappliedStatement, unapplied } from "../schema/unapplied-statement.js";
import { listStatements, recordStatements, type StatementRow } from "../status/statements.js";

export interface Retry {
  readonly connection: ConnectOptions;
  /** When during the migration: every stage's passes are numbered anew. */
  readonly stage: number;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  readonly isEligible: (row: StatementRow) => boolean;
  /** Gives the database a property; answers the server's refusal. */
  readonly runProperty: (row: StatementRow) => Promise<pg.DatabaseError | undefined>;
  /** Runs what may outlive an activity. Throws ServiceError with the server's error as its cause. */
  readonly runLong: (row: StatementRow, deadlineMs: number) => Promise<DetachedOutcome>;
}

const passesPerStage = 100_000;

const long: ReadonlySet<StatementKind> = new Set(["index", "constraint", "foreignKey", "check", "refresh", "analyze"]);

/**
 * Converges: how far the passes are is noted with every statement.
 * @returns done: false when the deadline came first; to be called for again
 */
export async function retryStatements(run: DatabaseRun, retry: Retry): Promise<Progressed> {
  const rows = (await listStatements(run.key, run.database)).filter(({ attempt }) => attempt === run.attempt);
  if (!rows.some((row) => isPending(row, retry))) return { done: true };
  let pass = Math.max(retry.stage * passesPerStage + 1, ...rows.map((row) => row.pass));
  return await withConnection(retry.connection, async (target) => {
    for (;;) {
      for (const row of rows.filter((one) => isPending(one, retry) && one.pass < pass)) {
        if (Date.now() >= retry.deadline) return { done: false };
        const outcome = await tryRow(target, row, retry);
        if (outcome === "running") return { done: false };
        Object.assign(row, { pass, ...changed(outcome) });
        await recordStatements(run.key, [row]);
      }
      const progress = rows.some((row) => row.pass === pass && row.fate === "applied");
      if (!progress || !rows.some((row) => isPending(row, retry))) return { done: true };
      pass += 1;
    }
  });
}

function isPending(row: StatementRow, { isEligible }: Retry): boolean {
  return row.fate !== "applied" && isEligible(row);
}

/** What a try has changed in a statement's row. */
function changed(left: UnappliedStatement | undefined): Partial<StatementRow> {
  if (left === undefined) return { fate: "applied" };
  const { fate, code, message, remedy } = left;
  return { fate, code, message, remedy };
}

async function tryRow(
  target: pg.Client,
  row: StatementRow,
  retry: Retry,
): Promise<UnappliedStatement | undefined | "running"> {
  const statement = { sql: row.statement, kind: row.statementKind as StatementKind, object: row.object, roles: [] };
  if (statement.kind === "databaseProperty") {
    const refusal = await retry.runProperty(row);
    if (refusal === undefined) return undefined;
    if (!isRefusal(refusal)) throw refusal;
    return unapplied(statement, refusal, row.remedy);
  }
  const left = long.has(statement.kind)
    ? await tryLong(target, row, statement, retry)
    : await tryAgain(target, statement);
  if (left === undefined || left === "running") return left;
  // What was refused for another reason before, and is there now: an activity died between applying and noting it.
  const cameMeanwhile = isThereAlready(left.code) && !isThereAlready(row.code);
  return cameMeanwhile ? undefined : left;
}

async function tryLong(
  target: pg.Client,
  row: StatementRow,
  statement: UnappliedStatement["statement"],
  { runLong, deadline }: Retry,
): Promise<UnappliedStatement | undefined | "running"> {
  try {
    return (await runLong(row, Math.max(1_000, deadline - Date.now()))) === "running" ? "running" : undefined;
  } catch (error) {
    const refusal = refusalIn(error);
    if (refusal === undefined) throw error;
    return unapplied(statement, refusal, await explainUnqualifiedName(target, refusal));
  }
}

/** The server's refusal of a statement behind an error that names its object; undefined for what no statement is to blame for. */
export function refusalIn(error: unknown): pg.DatabaseError | undefined {
  const cause = error instanceof ServiceError ? error.cause : error;
  return isRefusal(cause) ? cause : undefined;
}
