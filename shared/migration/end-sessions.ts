/** Ending the migration's sessions on both servers: what a cancel does at once, and what every end does last. */
import { withConnection } from "../postgres/connect.js";
import { endingTask, endSessions } from "../postgres/sessions.js";
import { type MigrationServers, maintenanceDatabase } from "./servers.js";

/**
 * Ends every session of the migration, or only those in one database, on both servers at once.
 * @returns how many did not end within the limit.
 */
export async function endSessionsOnBothServers(servers: MigrationServers, database?: string): Promise<number> {
  const sessions = { migrationKey: servers.spec.key, ...(database === undefined ? {} : { database }) };
  const sourceEntrance = database ?? servers.spec.databases[0] ?? maintenanceDatabase;
  const [onSource, onTarget] = await Promise.all([
    withConnection(servers.source(sourceEntrance, endingTask), (client) => endSessions(client, sessions)),
    withConnection(servers.target(maintenanceDatabase, endingTask), (client) => endSessions(client, sessions)),
  ]);
  return onSource + onTarget;
}
