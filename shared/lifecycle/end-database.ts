/** The end of one database: nothing of ours stays in it, and its row says how it went. */

import { dropReplication } from "../following/drop-replication.js";
import type { DatabaseEnd, DatabaseEnding } from "../model/steps.js";
import { describeLeftOut, describeRefused } from "../run/describe-statements.js";
import { addWarnings } from "../run/warnings.js";
import { getDatabase, recordDatabase } from "../status/databases.js";
import { listStatements } from "../status/statements.js";
import { dropTargetLedger } from "./drop-target-ledger.js";

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
    row === undefined ? undefined : await dropTargetLedger(key, row),
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
