/** Events are hints, and a hint may be lost with whoever was to give it: the rows say what an orchestration should have heard. */

import type { Orchestrations } from "../requests/orchestrations.js";
import { hasEnded } from "../run/database-state.js";
import { listDatabases } from "../status/databases.js";
import type { MigrationRow } from "../status/migrations.js";

/**
 * Tells a running migration again what it has not acted upon. What it hears twice does no harm. (A cutover is not repeated: it cannot be taken back, and
 * whoever has asked for it was told that it was not heard.)
 * @returns whether there was anything to tell
 */
export async function remind(row: MigrationRow, orchestrations: Orchestrations): Promise<boolean> {
  if (row.endedOn !== undefined || justChanged(row)) return false;
  if (row.cancel) return await remindOfCancel(row, orchestrations);
  if (row.substate === "WaitingForTargetDBOverwriteConfirmation" && row.overwriteDbsInTarget) {
    await orchestrations.raise(row.key, "ConfirmOverwrite", {});
    return true;
  }
  if (row.substate === "WaitingForDataMigrationScheduling" && row.startDataMigration) {
    await orchestrations.raise(row.key, "StartDataMigration", {});
    return true;
  }
  if (row.mode === "Online" && row.substate === "MigratingData") return await remindOfCaughtUp(row, orchestrations);
  return false;
}

/** An event that has just been raised may be on its way still. */
const onItsWaySeconds = 10;

function justChanged({ updatedOn }: MigrationRow): boolean {
  return Date.now() - new Date(updatedOn ?? 0).getTime() < onItsWaySeconds * 1_000;
}

async function remindOfCancel(row: MigrationRow, orchestrations: Orchestrations): Promise<boolean> {
  const asked = row.dbsToCancelMigrationOn.length === 0 ? row.databases : row.dbsToCancelMigrationOn;
  const unheard = (await listDatabases(row.key)).filter(
    (database) => asked.includes(database.database) && !database.cancelRequested && !hasEnded(database),
  );
  if (unheard.length === 0) return false;
  await orchestrations.raise(row.key, "Cancel", { databases: unheard.map(({ database }) => database) });
  return true;
}

/** Every database that has not ended waits for its cutover, and the migration does not say so. */
async function remindOfCaughtUp(row: MigrationRow, orchestrations: Orchestrations): Promise<boolean> {
  const following = (await listDatabases(row.key)).filter((database) => !hasEnded(database));
  if (following.length === 0 || !following.every(({ caughtUp }) => caughtUp)) return false;
  await orchestrations.raise(row.key, "DatabaseCaughtUp", {});
  return true;
}
