/** The end of following: the target made equal to the source as of the cutover point, and proven to be. */
import { setTimeout as delay } from "node:timers/promises";
import { replicationNames } from "../model/replication-names.js";
import { ServiceError } from "../model/service-error.js";
import type { DatabaseRun, Progressed } from "../model/steps.js";
import { withConnection } from "../postgres/connect.js";
import { explainApplyFailure } from "../postgres/explain-apply-failure.js";
import { bytesBetween } from "../postgres/lsn.js";
import { readSlot } from "../postgres/replication-slot.js";
import { serverVersion } from "../postgres/source-tables.js";
import { enableSubscription, readAppliedPoint, readSubscription, stopSubscription } from "../postgres/subscription.js";
import { isTransient } from "../postgres/transient.js";
import { failureOf } from "../run/failure-of.js";
import { serversOf } from "../run/servers.js";
import { settings } from "../settings.js";
import { getDatabase, recordDatabase } from "../status/databases.js";

const pollMs = 50;

/**
 * The message's commit comes after the point and is flushed: the slot gets beyond the point even where nobody writes, and the point
 * is on disk.
 */
const takeCutoverPoint = "select pg_catalog.pg_current_wal_insert_lsn()::text as point";
const pushBeyond = "select pg_catalog.pg_logical_emit_message(true, 'pgmig', 'cutover')";

/**
 * Takes the cutover point, waits until the target has applied and stored everything before it, and stops the subscription. Run again, it keeps the point.
 * @returns done: false when the activity budget was used up, or a server does not answer: call again.
 * @throws ServiceError CutoverNotReached after CUTOVER_LIMIT_MINUTES
 */
export async function reachCutoverPoint(run: DatabaseRun): Promise<Progressed> {
  try {
    return { done: await approach(run) };
  } catch (error) {
    if (!isTransient(error)) throw error;
    await refuseAfterLimit(run, failureOf(error).message);
    await recordDatabase(run.key, run.database, { message: failureOf(error).message });
    await delay(1_000);
    return { done: false };
  }
}

async function approach(run: DatabaseRun): Promise<boolean> {
  const { key, database, attempt } = run;
  const names = replicationNames(key, database, attempt);
  const servers = await serversOf(key);
  const deadline = Date.now() + settings().activityBudgetSeconds * 700;
  return await withConnection(servers.target(database, "cutover"), async (target) => {
    const targetVersion = await serverVersion(target);
    return await withConnection(servers.source(database, "cutover"), async (source) => {
      const version = await serverVersion(source);
      const point = (await getDatabase(key, database))?.cutoverPoint ?? (await fixPoint(run, source));
      let hindrance: { readonly at: string; readonly reason: string } | undefined;
      for (let toldAt = Date.now(); ; ) {
        const slot = await readSlot(source, names.slot, version);
        if (slot === undefined || slot.lost) {
          throw new ServiceError(
            "SlotLost",
            `Replication slot ${names.slot} of the source is lost: changes are missing. Migrate the database again.`,
          );
        }
        const outstanding = bytesBetween(slot.confirmed, point);
        if (outstanding <= 0) break;
        if (Date.now() >= deadline) return false;
        if (Date.now() - toldAt >= 1_000) {
          toldAt = Date.now();
          const subscription = await readSubscription(target, names.subscription, targetVersion);
          // Somebody may have disabled it while following; only it can bring what is outstanding.
          if (subscription?.enabled === false) await enableSubscription(target, names.subscription);
          if (subscription?.working === false) {
            const applied = (await readAppliedPoint(target, names.subscription)) ?? slot.confirmed;
            const reason = await explainApplyFailure(source, target, names, applied);
            if (reason !== undefined) hindrance = { at: slot.confirmed, reason };
          }
          // A worker that has failed comes back every few seconds, and the slot cannot be looked into meanwhile: what was found there holds until the slot moves on.
          const known = hindrance?.at === slot.confirmed ? hindrance.reason : undefined;
          const idle =
            subscription?.working === false ? "Its subscription's worker does not run at the moment." : undefined;
          const message = [
            `The target has ${outstanding} bytes of WAL to apply up to the cutover point ${point}.`,
            known ?? idle,
          ]
            .filter((text) => text !== undefined)
            .join(" ");
          await refuseAfterLimit(run, message);
          await recordDatabase(key, database, { message });
        }
        await delay(pollMs);
      }
      await stopSubscription(target, names.subscription, targetVersion);
      return true;
    });
  });
}

async function fixPoint({ key, database }: DatabaseRun, source: Parameters<typeof readSlot>[0]): Promise<string> {
  const { rows } = await source.query<{ point: string }>(takeCutoverPoint);
  const point = rows[0]?.point;
  if (point === undefined) throw new ServiceError("SourceIsStandby", "The source told no WAL position.");
  await recordDatabase(key, database, {
    cutoverPoint: point,
    cutoverOn: new Date().toISOString(),
    state: "InProgress",
    currentStep: "reaching the cutover point",
  });
  await source.query(pushBeyond);
  return point;
}

async function refuseAfterLimit({ key, database }: DatabaseRun, message: string): Promise<void> {
  const row = await getDatabase(key, database);
  const { cutoverLimitMinutes } = settings();
  if (row?.cutoverOn === undefined || Date.now() - Date.parse(row.cutoverOn) < cutoverLimitMinutes * 60_000) return;
  throw new ServiceError(
    "CutoverNotReached",
    `The cutover was not completed within ${cutoverLimitMinutes} minutes (CUTOVER_LIMIT_MINUTES). ${message}`,
    { target: database },
  );
}
