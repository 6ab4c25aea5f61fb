/** Applying what an ended migration could not: its statements are in the status tables, its ledger is gone. */
import type pg from "pg";
import { runDetached } from "../ledger/detached-statement.js";
import type { MigrationState } from "../model/states.js";
import type { DatabaseEnding, DatabaseRun, Progressed, StatementsRetry } from "../model/steps.js";
import { type ConnectOptions, withConnection } from "../postgres/connect.js";
import { applyPropertyAgain } from "../postgres/database-properties.js";
import { describeLeftOut, describeRefused } from "../run/describe-statements.js";
import { noteStep } from "../run/note-step.js";
import { refusalOfSession } from "../run/refusal-of-session.js";
import { retryStatements } from "../run/retry-statements.js";
import { serversOf } from "../run/servers.js";
import { statementSession } from "../schema/apply-statements.js";
import { refreshSql } from "../schema/schema-plan.js";
import type { RelationName } from "../schema/schema-statement.js";
import { settings } from "../settings.js";
import { releaseClaims } from "../status/claims.js";
import { listDatabases, recordDatabase } from "../status/databases.js";
import { deleteSecrets } from "../status/secrets.js";
import { listStatements, type StatementRow } from "../status/statements.js";

/** Passes of a retry come after those of the migration itself. */
const firstStage = 10;

/** Tries everything that is not applied, as far as the activity budget reaches. Converges. */
export async function retryEnded({ retry, user, ...run }: StatementsRetry): Promise<Progressed> {
  const { activityBudgetSeconds, instance } = settings();
  await noteStep(run, "applying refused statements");
  const servers = await serversOf(run.key);
  const reached = servers.target(run.database, "schema");
  const as = (options: ConnectOptions) =>
    user === undefined ? options : { ...options, endpoint: { ...options.endpoint, user } };
  const connection = as(reached);
  return await retryStatements(run, {
    connection: { ...connection, settings: statementSession },
    stage: firstStage + retry,
    deadline: Date.now() + activityBudgetSeconds * 1_000,
    isEligible: () => true,
    runProperty: ({ statement }) =>
      withConnection(as(servers.targetMaintenance("properties")), (maintenance) =>
        applyPropertyAgain(maintenance, statement, () => refusalOfSession(connection)),
      ),
    runLong: async (row, deadlineMs) => {
      // A refresh that has outlived its activity must not begin anew for ever.
      if (row.statementKind === "refresh" && (await withConnection(connection, (target) => isFilled(target, row)))) {
        return "done";
      }
      const statement = { id: `retry/${row.order}/${row.id}`, sql: row.statement, object: row.object };
      return await runDetached(connection, statement, { deadlineMs, instance, unrecorded: true });
    },
  });
}

const populated = `
  select n.nspname as schema, c.relname as name
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.relkind = 'm'
    and c.relispopulated
`;

async function isFilled(target: pg.Client, { statement }: StatementRow): Promise<boolean> {
  const { rows } = await target.query<RelationName>(populated);
  return rows.some((view) => refreshSql(view) === statement);
}

/** How a database of a retry has ended. Converges. */
export async function endDatabaseRetry({ key, database, attempt }: DatabaseRun): Promise<DatabaseEnding> {
  const statements = (await listStatements(key, database)).filter((row) => row.attempt === attempt);
  const failure = describeRefused(statements);
  const state = failure === undefined ? "Succeeded" : "Failed";
  await recordDatabase(key, database, {
    state,
    failureCode: failure?.code ?? "",
    currentStep: "",
    message: failure?.message ?? "",
    warnings: describeLeftOut(statements)
      .map((warning) => warning.replaceAll("\n", " "))
      .join("\n"),
  });
  return { state, ...(failure === undefined ? {} : { failure }) };
}

/** How the migration has ended after a retry; its secrets are deleted, and its databases are free for others. Converges. */
export async function endRetry(key: string): Promise<{ state: MigrationState; error?: string }> {
  await deleteSecrets(key);
  await releaseClaims(key);
  const databases = await listDatabases(key);
  const failed = databases.find(({ state }) => state === "Failed");
  if (failed !== undefined) return { state: "Failed", error: `Database ${failed.database}: ${failed.message ?? ""}` };
  return { state: databases.some(({ state }) => state === "Succeeded") ? "Succeeded" : "Canceled" };
}
