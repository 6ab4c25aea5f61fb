/** The end of one database: nothing of ours stays in it, and its row says how it went. */

import { dropReplication } from "../following/drop-replication.js";
import { firstLedgerName } from "../ledger/ledger-name.js";
import { dropLedger, hasLedger } from "../ledger/ledger-schema.js";
import { readDatabaseProgress } from "../ledger/parts.js";
import { ServiceError } from "../model/service-error.js";
import type { DatabaseEnd, DatabaseEnding } from "../model/steps.js";
import { withConnection } from "../postgres/connect.js";
import { quoteIdentifier } from "../postgres/identifiers.js";
import { endingTask, endSessions } from "../postgres/sessions.js";
import { describeLeftOut, describeRefused } from "../run/describe-statements.js";
import { failureOf } from "../run/failure-of.js";
import { serversOf } from "../run/servers.js";
import { addWarnings } from "../run/warnings.js";
import { type DatabaseRow, getDatabase, recordDatabase } from "../status/databases.js";
import { listStatements } from "../status/statements.js";

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
    row === undefined ? undefined : await cleanUp(key, database, row),
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

/** What finishDatabase() did not come to: the database's own event triggers and settings are not in force then. */
async function cleanUp(key: string, database: string, row: DatabaseRow): Promise<string | undefined> {
  // Before the target database was created there is nothing of ours in it: it may be somebody's.
  if (!row.targetCreated || row.ledgerDropped) return undefined;
  try {
    const servers = await serversOf(key);
    await withConnection(servers.targetMaintenance(endingTask), (client) =>
      endSessions(client, { migrationKey: key, database }),
    );
    await withConnection(servers.target(database, endingTask), async (target) => {
      if (!(await hasLedger(target))) return;
      await recordDatabase(key, database, await readDatabaseProgress(target));
      await dropLedger(target);
    });
    return undefined;
  } catch (error) {
    // Somebody has dropped the database, and the schema with it.
    if (error instanceof ServiceError && error.code === "DatabaseNotFound") return undefined;
    const schema = quoteIdentifier(row.ledger ?? firstLedgerName);
    return (
      `Schema ${schema} of the migration could not be dropped from target database ${database} (${failureOf(error).message}). ` +
      `Run there: DROP SCHEMA IF EXISTS ${schema} CASCADE;`
    );
  }
}
