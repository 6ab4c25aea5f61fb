/** The end of following: the target made equal to the source as of the cutover point, and proven to be. */
import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import { readBaseObjects } from "../ledger/base-objects.js";
import { type ReplicationNames, replicationNames } from "../model/replication-names.js";
import { ServiceError } from "../model/service-error.js";
import type { DatabaseRun, Progressed } from "../model/steps.js";
import { withConnection } from "../postgres/connect.js";
import { explainApplyFailure } from "../postgres/explain-apply-failure.js";
import { bytesBetween } from "../postgres/lsn.js";
import { describeOpenTransactions, listOpenTransactions } from "../postgres/open-transactions.js";
import { readSlot, type SlotStatus, slotLost } from "../postgres/replication-slot.js";
import { serverVersion } from "../postgres/source-tables.js";
import { enableSubscription, readAppliedPoint, readSubscription, stopSubscription } from "../postgres/subscription.js";
import { isTransient } from "../postgres/transient.js";
import { failureOf } from "../run/failure-of.js";
import { type MigrationServers, serversOf } from "../run/servers.js";
import { addWarnings } from "../run/warnings.js";
import { settings } from "../settings.js";
import { getDatabase, recordDatabase } from "../status/databases.js";
import { lookAtBase } from "./look-at-base.js";
import { renewConnection } from "./renew-connection.js";

const pollMs = 50;

/** Milliseconds in which a subscription whose worker fails has to get on, before the cutover is given up and can be triggered again. */
const standstillMs = 30_000;

/**
 * The message's commit comes after the point and is flushed: the slot gets beyond the point even where nobody writes, and the point
 * is on disk.
 */
const takeCutoverPoint = "select pg_catalog.pg_current_wal_insert_lsn()::text as point";
const pushBeyond = "select pg_catalog.pg_logical_emit_message(true, 'pgmig', 'cutover')";

/**
 * Waits for the transactions that are open on the source, takes the cutover point, waits until the target has applied and stored everything before it, and stops
 * the subscription. Run again, it keeps the point.
 * @returns done: false when the activity budget was used up, or a server does not answer: call again.
 * @throws ServiceError TransactionsOpen after CUTOVER_TRANSACTION_LIMIT_SECONDS, CutoverNotReached after CUTOVER_LIMIT_MINUTES, ReplicationStandsStill,
 * TablesRenamed; SlotLost and PublicationLost, after which changes are missing
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
    return await withConnection(servers.source(database, "cutover"), async (source) => {
      await refuseChangedBase(run, source, target, names);
      if (!(await awaitOpenTransactions(run, source, deadline))) return false;
      const point = (await getDatabase(key, database))?.cutoverPoint ?? (await fixPoint(run, source));
      // Every time: whoever took the point may have died before.
      await source.query(pushBeyond);
      if (!(await applyUntil(run, { servers, source, target, names, point, deadline }))) return false;
      await stopSubscription(target, names.subscription, await serverVersion(target));
      // Without its publications the source has sent nothing, and the slot has got to the point all the same.
      await refuseChangedBase(run, source, target, names);
      return true;
    });
  });
}

/** What would make the target wrong, however well changes are applied. */
async function refuseChangedBase(
  { key, database }: DatabaseRun,
  source: pg.Client,
  target: pg.Client,
  names: ReplicationNames,
): Promise<void> {
  const { hindrances } = await lookAtBase(source, await readBaseObjects(target), names);
  if (hindrances.length === 0) return;
  if ((await getDatabase(key, database))?.cutoverForced === true) {
    await addWarnings(key, database, hindrances);
    return;
  }
  throw new ServiceError("TablesRenamed", hindrances.join(" "), { target: database });
}

/**
 * Waits for the transactions that were open when the cutover began; those that begin later are late, and told as such.
 * @returns false when the activity's time was used up
 */
async function awaitOpenTransactions(
  { key, database }: DatabaseRun,
  source: pg.Client,
  deadline: number,
): Promise<boolean> {
  const row = await getDatabase(key, database);
  if (row?.cutoverPoint !== undefined) return true;
  const asked = row?.cutoverTransactions?.split(",") ?? (await listOpenTransactions(source)).map(({ xid }) => xid);
  if (asked.length === 0) return true;
  const begun = row?.cutoverOn === undefined ? Date.now() : Date.parse(row.cutoverOn);
  await recordDatabase(key, database, {
    cutoverTransactions: asked.join(","),
    currentStep: "waiting for open transactions",
  });
  const limitSeconds = settings().cutoverTransactionLimitSeconds;
  for (let toldAt = 0; ; ) {
    const open = (await listOpenTransactions(source)).filter(({ xid }) => asked.includes(xid));
    if (open.length === 0) return true;
    const who = describeOpenTransactions(open);
    if (Date.now() - begun >= limitSeconds * 1_000) {
      if (row?.cutoverForced === true) {
        await addWarnings(key, database, [
          `The cutover did not wait for transactions that were open on the source: what they commit is not on the target. ${who}.`,
        ]);
        return true;
      }
      throw new ServiceError(
        "TransactionsOpen",
        `Transactions that were open on the source when the cutover began have not ended within ${limitSeconds} s (CUTOVER_TRANSACTION_LIMIT_SECONDS); what they ` +
          `commit would be missing on the target: ${who}.`,
        { target: database },
      );
    }
    if (Date.now() >= deadline) return false;
    if (Date.now() - toldAt >= 1_000) {
      toldAt = Date.now();
      await recordDatabase(key, database, { message: `The cutover waits for transactions on the source: ${who}.` });
    }
    await delay(pollMs * 2);
  }
}

interface Approach {
  readonly servers: MigrationServers;
  readonly source: pg.Client;
  readonly target: pg.Client;
  readonly names: ReplicationNames;
  readonly point: string;
  readonly deadline: number;
}

/** False when the activity's time was used up. */
async function applyUntil(run: DatabaseRun, approach: Approach): Promise<boolean> {
  const { source, target, names, point, deadline } = approach;
  const [version, targetVersion] = [await serverVersion(source), await serverVersion(target)];
  const first = await readSubscription(target, names.subscription, targetVersion);
  let hindrance: { readonly at: string; readonly reason: string } | undefined;
  let explainAt = 0;
  let moved = { to: "", at: Date.now(), failing: false };
  for (let toldAt = Date.now(); ; ) {
    const slot = await readSlot(source, names.slot, version);
    if (slot === undefined || slot.lost !== null) throw slotLost(names.slot, slot);
    const outstanding = bytesBetween(slot.confirmed, point);
    if (outstanding <= 0) return true;
    if (Date.now() >= deadline) return false;
    if (slot.confirmed !== moved.to) moved = { to: slot.confirmed, at: Date.now(), failing: false };
    if (Date.now() - toldAt >= 1_000) {
      toldAt = Date.now();
      const subscription = await readSubscription(target, names.subscription, targetVersion);
      // Somebody may have disabled it while following; only it can bring what is outstanding.
      if (subscription?.enabled === false) await enableSubscription(target, names.subscription);
      await renewConnection(run, approach.servers, target, names);
      if (subscription?.working === false && Date.now() >= explainAt) {
        const begun = Date.now();
        const reason = await explain(approach, slot);
        if (reason !== undefined) hindrance = { at: slot.confirmed, reason };
        // Meanwhile the worker cannot have the slot.
        explainAt = Date.now() + (Date.now() - begun) * 4;
      }
      const failing = subscription?.working === false || (subscription?.errors ?? 0) > (first?.errors ?? 0);
      moved = { ...moved, failing: moved.failing || failing };
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
      await refuseStandstill(run, moved, message);
      await refuseAfterLimit(run, message);
      await recordDatabase(run.key, run.database, { message });
    }
    await delay(pollMs);
  }
}

async function explain({ source, target, names }: Approach, slot: SlotStatus): Promise<string | undefined> {
  const applied = (await readAppliedPoint(target, names.subscription)) ?? slot.confirmed;
  return await explainApplyFailure(source, target, names, applied);
}

async function fixPoint({ key, database }: DatabaseRun, source: Parameters<typeof readSlot>[0]): Promise<string> {
  const { rows } = await source.query<{ point: string }>(takeCutoverPoint);
  const point = rows[0]?.point;
  if (point === undefined) throw new ServiceError("SourceIsStandby", "The source told no WAL position.");
  const row = await getDatabase(key, database);
  await recordDatabase(key, database, {
    cutoverPoint: point,
    ...(row?.cutoverOn === undefined ? { cutoverOn: new Date().toISOString() } : {}),
    state: "InProgress",
    currentStep: "reaching the cutover point",
  });
  return point;
}

async function refuseStandstill(
  { key, database }: DatabaseRun,
  moved: { readonly at: number; readonly failing: boolean },
  message: string,
): Promise<void> {
  if (!moved.failing || Date.now() - moved.at < standstillMs) return;
  if ((await getDatabase(key, database))?.cutoverForced === true) return;
  throw new ServiceError("ReplicationStandsStill", message, { target: database });
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
