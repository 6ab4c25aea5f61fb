/** Cancelling databases: their activities are told, and their sessions on both servers ended. */

import { hasEnded } from "../run/database-state.js";
import { endSessionsOnBothServers } from "../run/end-sessions.js";
import { serversOf } from "../run/servers.js";
import { changeDatabase, listDatabases, requestDatabaseCancel } from "../status/databases.js";

/** Converges: a database that has ended stays as it ended. */
export async function requestCancel(key: string, databases: readonly string[]): Promise<void> {
  await requestDatabaseCancel(key, databases);
  const running = (await listDatabases(key)).filter((row) => databases.includes(row.database) && !hasEnded(row));
  const servers = await serversOf(key);
  await Promise.all(
    running.map(async ({ database }) => {
      await changeDatabase(key, database, (row) => (hasEnded(row) ? undefined : { state: "Canceling" }));
      await endSessionsOnBothServers(servers, database);
    }),
  );
}
