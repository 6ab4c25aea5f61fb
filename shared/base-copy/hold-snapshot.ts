/** Opening, relaying and closing the snapshot of one database's base copy. */

import { setTimeout as delay } from "node:timers/promises";
import { openSlotSnapshot } from "../following/open-slot-snapshot.js";
import { replicationNames } from "../model/replication-names.js";
import { ServiceError } from "../model/service-error.js";
import type { DatabaseRun } from "../model/steps.js";
import { withConnection } from "../postgres/connect.js";
import { hasExclusiveLocks } from "../postgres/lock-waiters.js";
import { touchSlot } from "../postgres/replication-slot.js";
import { endingTask, endSessions } from "../postgres/sessions.js";
import { openKeeper } from "../postgres/snapshot.js";
import { lockWaitersLimit } from "../run/give-way.js";
import { noteStep } from "../run/note-step.js";
import { type MigrationServers, serversOf } from "../run/servers.js";
import { settings } from "../settings.js";
import { currentSnapshot, publishSnapshot, reasonOfWithdrawal, withdrawSnapshot } from "../status/snapshots.js";

/** Between two looks whether who was given way to has done its work. */
const lookMs = 500;

/** Opens the run's snapshot with its first keeper. Run again, it finds the snapshot that is open. */
export async function openSnapshot(run: DatabaseRun): Promise<void> {
  const { key, database, attempt } = run;
  if ((await currentSnapshot(key, database, attempt)) !== undefined) return;
  await noteStep(run, "opening the snapshot");
  const servers = await serversOf(key);
  if ((await reasonOfWithdrawal(key, database, attempt - 1)) !== undefined) await letOthersGoFirst(run, servers);
  if (servers.spec.mode === "Online") return await openSlotSnapshot(run, servers);
  const snapshot = await openKeeper(servers.source(database, "keeper 1"), {
    lifeSeconds: settings().activityBudgetSeconds,
    lockTimeoutSeconds: lockWaitersLimit(),
  });
  await publishSnapshot(key, database, { attempt, generation: 1, snapshot });
}

/**
 * Who was given way to has the tables first, and whoever follows at once (a script of several ALTERs) too: until nobody has asked for one in a while that grows with
 * every attempt. Half a budget is the most that is waited for them.
 */
async function letOthersGoFirst({ key, database, attempt }: DatabaseRun, servers: MigrationServers): Promise<void> {
  const quietMs = lockWaitersLimit() * 1_000 * (attempt - 1);
  const deadline = Date.now() + settings().activityBudgetSeconds * 500;
  await withConnection(servers.source(database, "lock waiters"), async (source) => {
    let quietSince = Date.now();
    while (Date.now() < deadline && Date.now() - quietSince < quietMs) {
      await delay(lookMs);
      if (await hasExclusiveLocks(source, key)) quietSince = Date.now();
    }
  });
}

/** idle_replication_slot_timeout came with this major version. */
const slotsIdleOut = 18;

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
    lockTimeoutSeconds: lockWaitersLimit(),
  });
  await publishSnapshot(key, database, { attempt, generation, snapshot });
  // As long as the base copy goes on nobody reads the slot, and an idle one may be taken from us.
  if (servers.spec.mode === "Online" && servers.sourceMajor >= slotsIdleOut) {
    const { slot } = replicationNames(key, database, attempt);
    await withConnection(servers.source(database, "slot"), (source) => touchSlot(source, slot));
  }
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
