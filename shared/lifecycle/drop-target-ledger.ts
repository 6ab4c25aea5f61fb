/** Dropping our schema from a target database that the migration leaves without having finished it. */
import { firstLedgerName } from "../ledger/ledger-name.js";
import { dropLedger, hasLedger } from "../ledger/ledger-schema.js";
import { readDatabaseProgress } from "../ledger/parts.js";
import { ServiceError } from "../model/service-error.js";
import { withConnection } from "../postgres/connect.js";
import { quoteIdentifier } from "../postgres/identifiers.js";
import { endingTask, endSessions } from "../postgres/sessions.js";
import { failureOf } from "../run/failure-of.js";
import { serversOf } from "../run/servers.js";
import { type DatabaseRow, recordDatabase } from "../status/databases.js";
import { isPlatformFault } from "../status/platform-fault.js";

/**
 * What finishDatabase() did not come to: the database's own event triggers and settings are not in force then. Converges.
 * @returns what is left, with the SQL that drops it; undefined when nothing is
 * @throws faults of the platform alone
 */
export async function dropTargetLedger(key: string, row: DatabaseRow): Promise<string | undefined> {
  const { database } = row;
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
    await recordDatabase(key, database, { ledgerDropped: true });
    return undefined;
  } catch (error) {
    // Somebody has dropped the database, and the schema with it; or the migration has ended before, and cleaned up.
    if (error instanceof ServiceError && (error.code === "DatabaseNotFound" || error.code === "SecretsMissing"))
      return undefined;
    if (isPlatformFault(error)) throw error;
    const schema = quoteIdentifier(row.ledger ?? firstLedgerName);
    return (
      `Schema ${schema} of the migration could not be dropped from target database ${database} (${failureOf(error).message}). ` +
      `Run there: DROP SCHEMA IF EXISTS ${schema} CASCADE;`
    );
  }
}
