/** Asking databases that follow their source to cut over, and finding those that could. */

import { hasEnded } from "../run/database-state.js";
import { listDatabases, recordDatabase } from "../status/databases.js";

/** Notes the request in the databases' rows, where their next sample finds it. Converges. */
export async function requestCutover(key: string, databases: readonly string[]): Promise<void> {
  const following = (await listDatabases(key)).filter((row) => databases.includes(row.database) && !hasEnded(row));
  await Promise.all(following.map(({ database }) => recordDatabase(key, database, { cutoverRequested: true })));
}

/** The databases that have caught up with their source once. */
export async function readCaughtUp(key: string): Promise<{ caughtUp: readonly string[] }> {
  const rows = await listDatabases(key);
  return { caughtUp: rows.filter(({ caughtUp }) => caughtUp).map(({ database }) => database) };
}
