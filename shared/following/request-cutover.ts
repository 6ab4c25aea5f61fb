/** Asking databases that follow their source to cut over, and finding those that could. */

import type { Steps } from "../model/steps.js";
import { hasEnded } from "../run/database-state.js";
import { changeDatabase, listDatabases } from "../status/databases.js";

/** Notes the request in the databases' rows, where their next sample finds it. Converges. */
export async function requestCutover(key: string, databases: readonly string[]): Promise<void> {
  const following = (await listDatabases(key)).filter((row) => databases.includes(row.database) && !hasEnded(row));
  await Promise.all(
    following.map(({ database }) =>
      changeDatabase(key, database, (row) =>
        row.cutoverRequested
          ? undefined
          : {
              cutoverRequested: true,
              cutoverOn: new Date().toISOString(),
              cutoverPoint: "",
              cutoverTransactions: "",
              cutoverFailure: "",
            },
      ),
    ),
  );
}

/** The databases that have caught up with their source once, and those that follow again because their cutover has failed. */
export async function readCaughtUp(key: string): Promise<Steps["readCaughtUp"]["output"]> {
  const rows = await listDatabases(key);
  return {
    caughtUp: rows.filter(({ caughtUp }) => caughtUp).map(({ database }) => database),
    failedCutovers: rows
      .filter(({ cutoverFailures, cutoverRequested }) => cutoverFailures > 0 && !cutoverRequested)
      .map(({ database, cutoverFailures, cutoverFailure }) => ({
        database,
        failures: cutoverFailures,
        message: cutoverFailure ?? "",
      })),
  };
}
