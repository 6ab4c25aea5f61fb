/** Forgetting a migration that has ended: its histories, then its rows. */
import { forgetMigration } from "../status/forget-migration.js";
import type { MigrationRow } from "../status/migrations.js";
import type { OrchestrationControl } from "./orchestration-control.js";

/** A clock may be off: an orchestration that began before its row was written is found all the same. */
const clockDriftMs = 24 * 3_600_000;

/** Converges. */
export async function forgetMigrationAndHistories(
  { key, createdOn }: MigrationRow,
  orchestrations: Pick<OrchestrationControl, "purge">,
): Promise<void> {
  const since = new Date(new Date(createdOn ?? 0).getTime() - clockDriftMs);
  await orchestrations.purge(key, since, new Date(Date.now() + clockDriftMs));
  await forgetMigration(key);
}
