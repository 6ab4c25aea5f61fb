/** Applying one job of a database's schema, as far as the activity budget reaches. */

import { type DetachedOutcome, runDetached } from "../ledger/detached-statement.js";
import { readJob } from "../ledger/jobs.js";
import { ServiceError } from "../model/service-error.js";
import type { DatabaseRun, Progressed } from "../model/steps.js";
import { buildingIndexes, creatingSchema } from "../planning/jobs.js";
import { type ConnectOptions, withConnection } from "../postgres/connect.js";
import { roleToBe } from "../postgres/role-to-be.js";
import { keepUnapplied } from "../run/keep-unapplied.js";
import { noteStep } from "../run/note-step.js";
import { refusalIn, retryStatements } from "../run/retry-statements.js";
import { serversOf } from "../run/servers.js";
import { applyStatements, statementSession } from "../schema/apply-statements.js";
import { explainUnqualifiedName } from "../schema/explain-unqualified-name.js";
import type { LongStatement } from "../schema/schema-plan.js";
import { isIndispensable, missedAnObject, unapplied } from "../schema/unapplied-statement.js";
import { settings } from "../settings.js";
import { listStatements, type StatementRow } from "../status/statements.js";
import { createReducedTables } from "./reduced-tables.js";

interface JobRun {
  readonly run: DatabaseRun;
  readonly connection: ConnectOptions;
  /** For what is applied in transactions, which set a search_path of their own: extensions' scripts among it. */
  readonly forScripts: ConnectOptions;
  readonly instance: string;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
}

/** The stages at which refused statements are tried again: before the rows, twice, and when everything else is there. */
const beforeRows = 1;
const afterReducedTables = 2;
const afterAll = 3;

/**
 * Converges: what the statement ledger has is not done again. A statement that is refused is noted, and the others are
 * applied all the same.
 * @returns done: false when the budget was used up; the job is to be called for again. A long statement goes on in the server meanwhile.
 * @throws ServiceError SchemaStatementFailed or ExtensionNotAvailable when what the rows need cannot be created
 */
export async function applyJob(run: DatabaseRun, job: number): Promise<Progressed> {
  const { activityBudgetSeconds, instance } = settings();
  const servers = await serversOf(run.key);
  // Everyone who asks for the same statement must bear the same name: that is how its session is found again.
  const connection = servers.target(run.database, "schema");
  const deadline = Date.now() + activityBudgetSeconds * 1_000;
  const jobRun: JobRun = {
    run,
    connection,
    forScripts: { ...connection, settings: statementSession },
    instance,
    deadline,
  };
  const { phase, content } = await withConnection(connection, (target) => readJob(target, job));
  // Indexes are built while tables are copied: that is what people want to read then.
  if (phase !== buildingIndexes) await noteStep(run, phase);
  switch (content.kind) {
    case "retry":
      return await tryRefusedAgain(jobRun, afterAll);
    case "long":
      return await applyLong(jobRun, content.statements);
    case "groups": {
      const { done } = await withConnection(jobRun.forScripts, async (target) => {
        for (const group of content.groups) {
          if (Date.now() >= jobRun.deadline) return { done: false };
          await applyStatements(target, group, instance, (left) => keepUnapplied(run, left));
        }
        return { done: true };
      });
      return done && phase === creatingSchema ? await completeSchema(jobRun) : { done };
    }
  }
}

/** Before the rows: what came too early is tried again, and a table that still cannot be created is tried without what it is refused for. */
async function completeSchema(jobRun: JobRun): Promise<Progressed> {
  const { run, connection } = jobRun;
  if (!(await tryRefusedAgain(jobRun, beforeRows)).done) return { done: false };
  const created = await withConnection(connection, (target) => createReducedTables(run, target));
  // What depends on those tables.
  if (created > 0 && !(await tryRefusedAgain(jobRun, afterReducedTables)).done) return { done: false };
  await refuseWithoutWhatRowsNeed(run);
  return { done: true };
}

async function tryRefusedAgain(
  { run, connection, forScripts: scripts, deadline, instance }: JobRun,
  stage: number,
): Promise<Progressed> {
  return await retryStatements(run, {
    connection: scripts,
    stage,
    deadline,
    // What depends on something that was refused may have been left out with it.
    isEligible: ({ fate, code, statementKind }) =>
      fate === "refused" ||
      missedAnObject(code) ||
      (statementKind === "refresh" && stage === afterAll) ||
      (statementKind === "tuning" && stage === afterReducedTables),
    // The database gets its own properties after this.
    runProperty: async () => undefined,
    runLong: ({ order, id, statement, object }, deadlineMs) =>
      runDetached(connection, { id: `again/${order}/${id}`, sql: statement, object }, { deadlineMs, instance }),
  });
}

async function applyLong(
  { run, connection, deadline, instance }: JobRun,
  statements: readonly LongStatement[],
): Promise<Progressed> {
  const known = await listStatements(run.key, run.database);
  const left = new Set(known.filter(({ attempt }) => attempt === run.attempt).map(({ order }) => order));
  for (const statement of statements) {
    // An activity that was called for again does not build for hours what has been refused.
    if (statement.order !== undefined && left.has(statement.order)) continue;
    const deadlineMs = deadline - Date.now();
    if (deadlineMs <= 0) return { done: false };
    if ((await applyOrKeep(run, connection, statement, { deadlineMs, instance })) === "running") return { done: false };
  }
  return { done: true };
}

async function applyOrKeep(
  run: DatabaseRun,
  connection: ConnectOptions,
  statement: LongStatement,
  options: { deadlineMs: number; instance: string },
): Promise<DetachedOutcome> {
  try {
    const { view } = statement;
    const owner = view && (await withConnection(connection, (target) => roleToBe(target, view)));
    return await runDetached(connection, owner === undefined ? statement : { ...statement, as: owner }, options);
  } catch (error) {
    const refusal = refusalIn(error);
    if (refusal === undefined) throw error;
    const remedy = await withConnection(connection, (target) => explainUnqualifiedName(target, refusal));
    await keepUnapplied(run, [unapplied(statement, refusal, remedy)]);
    return "done";
  }
}

/** @throws ServiceError naming what the rows need and the target refuses, and what it was refused for. */
async function refuseWithoutWhatRowsNeed(run: DatabaseRun): Promise<void> {
  const rows = (await listStatements(run.key, run.database)).filter(
    ({ attempt, fate }) => attempt === run.attempt && fate === "refused",
  );
  const needed = rows.filter(({ statementKind }) =>
    isIndispensable(statementKind as Parameters<typeof isIndispensable>[0]),
  );
  const [first, ...others] = needed;
  if (first === undefined) return;
  const extension = rows.find(({ statementKind }) => statementKind === "extension");
  const also = others.map(({ object }) => object);
  const listed = also.length > 20 ? [...also.slice(0, 20), `${also.length - 20} more`] : also;
  throw new ServiceError(
    extension === undefined ? "SchemaStatementFailed" : "ExtensionNotAvailable",
    [
      ...(extension === undefined ? [] : [`${wordsOf(extension)}. ${extension.remedy}`]),
      `${wordsOf(first)}. Rows need it, so nothing was copied.`,
      ...(listed.length === 0 ? [] : [`Not created either: ${listed.join(", ")}.`]),
      "Mend it on the source, or make the target able to take it, and migrate the database again; all that was refused is in the migration's statements.",
    ].join(" "),
    { target: first.object },
  );
}

function wordsOf({ object, message, code }: StatementRow): string {
  return `${object}: ${message}${code === undefined ? "" : ` (SQLSTATE ${code})`}`;
}
