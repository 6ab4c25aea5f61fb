/** Opening, relaying and closing the snapshot of one database's base copy. */

import { openSlotSnapshot } from "../following/open-slot-snapshot.js";
import { ServiceError } from "../model/service-error.js";
import type { DatabaseRun } from "../model/steps.js";
import { withConnection } from "../postgres/connect.js";
import { endingTask, endSessions } from "../postgres/sessions.js";
import { openKeeper } from "../postgres/snapshot.js";
import { noteStep } from "../run/note-step.js";
import { serversOf } from "../run/servers.js";
import { settings } from "../settings.js";
import { currentSnapshot, publishSnapshot, withdrawSnapshot } from "../status/snapshots.js";

/** Opens the run's snapshot with its first keeper. Run again, it finds the snapshot that is open. */
export async function openSnapshot(run: DatabaseRun): Promise<void> {
  const { key, database, attempt } = run;
  if ((await currentSnapshot(key, database, attempt)) !== undefined) return;
  await noteStep(run, "opening the snapshot");
  const servers = await serversOf(key);
  if (servers.spec.mode === "Online") return await openSlotSnapshot(run, servers);
  const snapshot = await openKeeper(servers.source(database, "keeper 1"), {
    lifeSeconds: settings().activityBudgetSeconds,
  });
  await publishSnapshot(key, database, { attempt, generation: 1, snapshot });
}

export interface RelayedSnapshot {
  /** False when the snapshot has been closed: no more relays are needed. */
  readonly open: boolean;
}

/**
 * Hands the snapshot to keeper number `generation`, while the one before still sleeps.
 * @throws ServiceError SnapshotLost when the one before is gone.
 */
export async function relaySnapshot(run: DatabaseRun, generation: number): Promise<RelayedSnapshot> {
  const { key, database, attempt } = run;
  const current = await currentSnapshot(key, database, attempt);
  if (current === undefined) return { open: false };
  if (current.generation >= generation) return { open: true };
  const servers = await serversOf(key);
  const snapshot = await openKeeper(servers.source(database, `keeper ${generation}`), {
    predecessor: current.snapshot,
    lifeSeconds: settings().activityBudgetSeconds,
  });
  await publishSnapshot(key, database, { attempt, generation, snapshot });
  return { open: true };
}

/** Ends every session of the run on the source database, keepers first of all: nothing of ours holds back its vacuum. */
export async function closeSnapshot(run: DatabaseRun): Promise<void> {
  const { key, database, attempt } = run;
  await withdrawSnapshot(key, database, attempt);
  const servers = await serversOf(key);
  const leftOver = await withConnection(servers.source(database, endingTask), (source) =>
    endSessions(source, { migrationKey: key, database }),
  );
  if (leftOver > 0) {
    throw new ServiceError(
      "SessionsLeft",
      `${leftOver} sessions of the migration on source database ${database} did not end. They are in pg_stat_activity; ` +
        "end them with pg_terminate_backend(pid).",
      { target: database },
    );
  }
}
