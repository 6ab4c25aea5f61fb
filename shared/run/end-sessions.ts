/** Ending the migration's sessions on both servers: what a cancel does at once, and what every end does last. */
import { endSession, withConnection } from "../postgres/connect.js";
import { endingTask, endSessions, type OurSessions } from "../postgres/sessions.js";
import { connectSource } from "./connect-source.js";
import type { MigrationServers } from "./servers.js";

/**
 * Ends every session of the migration, or only those in one database or at work for it, on both servers at once.
 * @returns how many did not end within the limit.
 */
export async function endSessionsOnBothServers(servers: MigrationServers, database?: string): Promise<number> {
  const sessions = { migrationKey: servers.spec.key, ...(database === undefined ? {} : { database }) };
  const [onSource, onTarget] = await Promise.all([
    endOnSource(servers, sessions, database),
    withConnection(servers.targetMaintenance(endingTask), (client) => endSessions(client, sessions)),
  ]);
  return onSource + onTarget;
}

async function endOnSource(servers: MigrationServers, sessions: OurSessions, database?: string): Promise<number> {
  const client = await connectSource(servers, endingTask, database === undefined ? {} : { preferred: database });
  try {
    return await endSessions(client, sessions);
  } finally {
    await endSession(client);
  }
}
