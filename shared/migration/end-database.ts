/** The end of one database: nothing of ours stays in it, and its row says how it went. */
import { readDatabaseProgress } from "../copy/plan-store.js";
import { ServiceError } from "../model/service-error.js";
import type { DatabaseEnd, DatabaseEnding } from "../model/steps.js";
import { withConnection } from "../postgres/connect.js";
import { dropLedger } from "../postgres/ledger.js";
import { endingTask, endSessions } from "../postgres/sessions.js";
import { getDatabase, recordDatabase } from "../status/databases.js";
import { listStatements } from "../status/statements.js";
import { describeLeftOut, describeRefused } from "./describe-statements.js";
import { dropReplication } from "./drop-replication.js";
import { failureOf } from "./failure-of.js";
import { serversOf } from "./servers.js";
import { addWarnings } from "./warnings.js";

/**
 * Converges. A target that cannot be reached does not keep the end from being recorded: what is left there is told.
 * @returns how the database has really ended: it has not succeeded when statements of its schema were refused
 */
export async function endDatabase(end: DatabaseEnd): Promise<DatabaseEnding> {
  const { key, database, attempt } = end;
  const statements = (await listStatements(key, database)).filter((row) => row.attempt === attempt);
  const refused = end.state === "Succeeded" ? describeRefused(statements) : undefined;
  const state = refused === undefined ? end.state : "Failed";
  const failure = end.failure ?? refused;
  await addWarnings(key, database, describeLeftOut(statements));
  const row = await getDatabase(key, database);
  const leftBehind = [
    // Before the target database was created there is nothing of ours in it: it may be somebody's.
    row?.targetCreated === true ? await cleanUp(key, database) : undefined,
    // After that: it ends our sessions.
    await dropReplication(end),
  ];
  await recordDatabase(key, database, {
    state,
    failureCode: failure?.code ?? "",
    currentStep: "",
    message: [failure?.message, ...leftBehind].filter((text) => text !== undefined).join("\n"),
    endedOn: new Date().toISOString(),
  });
  return { state, ...(failure === undefined ? {} : { failure }) };
}

async function cleanUp(key: string, database: string): Promise<string | undefined> {
  try {
    const servers = await serversOf(key);
    await withConnection(servers.targetMaintenance(endingTask), (client) =>
      endSessions(client, { migrationKey: key, database }),
    );
    await withConnection(servers.target(database, endingTask), async (target) => {
      if (await hasLedger(target)) await recordDatabase(key, database, await readDatabaseProgress(target));
      await dropLedger(target);
    });
    return undefined;
  } catch (error) {
    // Somebody has dropped the database, and the schema with it.
    if (error instanceof ServiceError && error.code === "DatabaseNotFound") return undefined;
    return `Schema _pgmig could not be dropped from target database ${database} (${failureOf(error).message}). Run there: DROP SCHEMA IF EXISTS _pgmig CASCADE;`;
  }
}

async function hasLedger(target: Parameters<Parameters<typeof withConnection>[1]>[0]): Promise<boolean> {
  const { rows } = await target.query<{ known: boolean }>("select to_regclass('_pgmig.part') is not null as known");
  return rows[0]?.known === true;
}
