/**
 * The end of a migration whose orchestration cannot bring it about any more: it failed, was terminated or purged. (DELETE, PATCH and the janitor come
 * here.) What happens, in two steps, because Durable cannot say when the activities of an ended orchestration have ended:
 *
 * 1. Whatever the orchestration has started is terminated, too: Durable leaves it running. Databases are marked as cancelled, by which running activities
 *    end themselves and their sessions within seconds, and those that come late do not begin. The state is CleaningUp.
 * 2. When that has had its time: sessions, slots, publications, subscriptions and ledgers go; then secrets and claims. The state is Failed, or Canceled
 *    where that has been asked for.
 */
import { withConnection } from "../postgres/connect.js";
import { endingTask, endSessions } from "../postgres/sessions.js";
import { hasEnded as databaseHasEnded } from "../run/database-state.js";
import { failureOf } from "../run/failure-of.js";
import { serversOf } from "../run/servers.js";
import { releaseClaims } from "../status/claims.js";
import { changeDatabase, listDatabases, requestDatabaseCancel } from "../status/databases.js";
import { getMigration, type MigrationRow, recordTransition } from "../status/migrations.js";
import { deleteSecrets } from "../status/secrets.js";
import { listTransitions } from "../status/transitions.js";
import { cleanUpServers } from "./end-migration.js";
import { type OrchestrationControl, retryInstanceId } from "./orchestration-control.js";
import { endRetry } from "./retry-ended.js";
import { settleDatabases } from "./settle-databases.js";

/** Durable's word for why; it may stand in a URL as it is. */
const terminationReason = "The migration has ended.";

/** A transition that a late activity still wants to record has a lower number than ours, and is ignored. */
const beyondAnyStep = 100;

/** Activities look for a cancel every two seconds (until-canceled.ts). */
const settleSeconds = 5;

/** How long a server that does not answer is waited for before the migration ends without it, and tells what is left there. */
const patienceMinutes = 60;

/**
 * Why the migration's orchestration cannot go on; undefined while it does, and when the migration has ended meanwhile.
 * @param row as it was read before: it is read again when the orchestration has ended
 */
export async function lossOf(row: MigrationRow, orchestrations: OrchestrationControl): Promise<string | undefined> {
  const isRetry = row.endedOn !== undefined;
  const state = await orchestrations.stateOf(isRetry ? retryInstanceId(row.key, row.transition) : row.key);
  if (state.kind === "active") return undefined;
  // Before its first transition nothing has been done: it has not been started yet.
  if (state.kind === "missing" && row.transition === 0) return undefined;
  const now = await getMigration(row.key);
  // Its last step has been to write this row.
  if (now === undefined || now.migrationId !== row.migrationId || now.state !== row.state) return undefined;
  if (now.transition !== row.transition) return undefined;
  const how = state.kind === "missing" ? "is gone: it was purged, or its task hub is another one" : state.how;
  return `The orchestration of this migration ${how}.`;
}

/** The first step. Converges. */
export async function beginToEnd(
  row: MigrationRow,
  reason: string,
  orchestrations: OrchestrationControl,
): Promise<void> {
  const { key } = row;
  await endOrchestrations(key, orchestrations);
  await recordTransition(key, {
    sequence: row.transition + beyondAnyStep,
    state: "CleaningUp",
    error: `${reason} What it has on both servers is being dropped.`,
  });
  // A retry of statements has databases that have ended: they may be retried again.
  const running = (await listDatabases(key)).filter((database) => !databaseHasEnded(database));
  await requestDatabaseCancel(
    key,
    running.map(({ database }) => database),
  );
}

/**
 * The second step, to be repeated until it says true. Converges.
 * @param row in state CleaningUp
 */
export async function goOnEnding(row: MigrationRow, orchestrations: OrchestrationControl): Promise<boolean> {
  const { key } = row;
  const began = (await listTransitions(key)).find(({ sequence }) => sequence === row.transition)?.time;
  const seconds = (Date.now() - new Date(began ?? 0).getTime()) / 1_000;
  const active = await endOrchestrations(key, orchestrations);
  if (active > 0 || seconds < settleSeconds) return false;
  const isRetry = row.endedOn !== undefined;
  const leftBehind = isRetry ? await endRetrySessions(key) : await cleanUpServers(key);
  if (leftBehind.length > 0 && seconds < patienceMinutes * 60) return false;
  const reason = (row.error ?? "").replace(/ What it has on both servers is being dropped\.$/, "");
  if (isRetry) {
    const { state, error } = await endRetry(key);
    return await end(row, state, [reason, "Try the statements again.", error, ...leftBehind]);
  }
  await tellDatabases(key, row.cancel ? "" : reason);
  await deleteSecrets(key);
  await releaseClaims(key);
  return await end(row, row.cancel ? "Canceled" : "Failed", [
    reason,
    ...leftBehind,
    "Create the migration again to repeat it.",
  ]);
}

async function end(
  row: MigrationRow,
  state: "Canceled" | "Failed" | MigrationRow["state"],
  told: readonly (string | undefined)[],
): Promise<true> {
  await settleDatabases(row.key, state);
  await recordTransition(row.key, {
    sequence: row.transition + 1,
    state,
    substate: "Completed",
    error: told.filter((text) => text !== undefined && text !== "").join(" "),
  });
  return true;
}

/** @returns how many were still active */
async function endOrchestrations(key: string, orchestrations: OrchestrationControl): Promise<number> {
  const active = await orchestrations.activeBelow(key);
  await Promise.all(active.map((instanceId) => orchestrations.terminate(instanceId, terminationReason)));
  return active.length;
}

async function tellDatabases(key: string, reason: string): Promise<void> {
  if (reason === "") return;
  for (const { database } of await listDatabases(key)) {
    await changeDatabase(key, database, (row) => (databaseHasEnded(row) ? undefined : { message: reason }));
  }
}

/** It has been at work on the target alone, and has the password of that alone. */
async function endRetrySessions(key: string): Promise<string[]> {
  try {
    const servers = await serversOf(key);
    const left = await withConnection(servers.targetMaintenance(endingTask), (client) =>
      endSessions(client, { migrationKey: key }),
    );
    return left === 0 ? [] : [`${left} sessions of the migration on the target did not end.`];
  } catch (error) {
    const { code, message } = failureOf(error);
    return code === "SecretsMissing" ? [] : [`Sessions of the migration may be left on the target (${message}).`];
  }
}
