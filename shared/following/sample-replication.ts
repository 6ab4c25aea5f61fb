/** One look at a database that follows its source: how far behind it is, what has arrived, what stands in the way. */
import { setTimeout as delay } from "node:timers/promises";
import type { ClientBase } from "pg";
import { type FollowedObject, readBaseObjects } from "../ledger/base-objects.js";
import { endsFollowing } from "../model/outcome.js";
import { type ReplicationNames, replicationNames } from "../model/replication-names.js";
import { ServiceError } from "../model/service-error.js";
import type { DatabaseRun, FollowState, ReplicationSample } from "../model/steps.js";
import { withConnection } from "../postgres/connect.js";
import { explainApplyFailure } from "../postgres/explain-apply-failure.js";
import { bytesBetween, parseLsn } from "../postgres/lsn.js";
import type { PublishableTable } from "../postgres/publication.js";
import { readSlot, type SlotStatus, slotLost } from "../postgres/replication-slot.js";
import { readRowCounters } from "../postgres/row-counters.js";
import { serverVersion } from "../postgres/source-tables.js";
import { readAppliedPoint, readSubscription } from "../postgres/subscription.js";
import { failureOf } from "../run/failure-of.js";
import { type MigrationServers, serversOf } from "../run/servers.js";
import { addWarnings } from "../run/warnings.js";
import { type DatabasePatch, getDatabase, recordDatabase } from "../status/databases.js";
import { keepSample } from "../status/samples.js";
import { lookAtBase } from "./look-at-base.js";
import { renewConnection } from "./renew-connection.js";

/** How long a sample waits for the target to confirm what the source had when it began: below that, the latency is measured, not estimated. */
const patienceMs = 2_000;
const pollMs = 100;

/** Positions that are remembered while nothing is confirmed; beyond that every other one is forgotten. */
const maximumMarks = 60;

/**
 * Records a sample. A server that does not answer, or a subscription that cannot go on, is what the sample says, and no error: it may recover.
 * @throws ServiceError SlotLost, PublicationLost or SubscriptionLost, for then nothing will
 */
export async function sampleReplication(run: DatabaseRun, state: FollowState): Promise<ReplicationSample> {
  const { key, database, attempt } = run;
  const servers = await serversOf(key);
  const names = replicationNames(key, database, attempt);
  const target = await reached(() => lookAtTarget(run, servers, names, state));
  const stuck = target.ok && target.value.stuck;
  const explained = stuck ? await explain(run, servers, names, state.explained) : undefined;
  const explanation = explained?.reason;
  const source = await reached(() =>
    lookAtSource(run, servers, names, state, target.ok ? target.value.base : undefined),
  );
  const standstill = [
    ...(source.ok ? source.value.standstill : [`The source does not answer: ${source.problem}`]),
    ...(explanation === undefined ? [] : [explanation]),
    ...(target.ok ? target.value.troubles : [`The target does not answer: ${target.problem}`]),
    // What only the worker itself meets cannot be tried out.
    ...(stuck && source.ok && explanation === undefined ? ["The target server's log says why."] : []),
  ];
  // A subscription that somebody has disabled is enabled by the cutover.
  const disabled = target.ok && !target.value.enabled;
  const standing = standstill.length > 0 && !disabled && !(source.ok && source.value.current);
  const hindrances = [
    ...(standing && state.standing === true ? standstill : []),
    ...(source.ok ? source.value.hindrances : []),
  ];
  const now = {
    ...state,
    ...(target.ok ? { errors: target.value.errors } : {}),
    ...(source.ok ? source.value.state : {}),
    standing,
    explained,
  };
  const row = await getDatabase(key, database);
  const troubles = [
    ...(source.ok ? source.value.troubles : []),
    ...(source.ok ? source.value.hindrances : []),
    ...standstill,
    ...(row?.cutoverFailure === undefined ? [] : [row.cutoverFailure]),
  ];
  const caughtUp = source.ok && source.value.caughtUp;
  await recordDatabase(key, database, {
    ...(target.ok ? target.value.counters : {}),
    ...(source.ok ? source.value.progress : {}),
    // Nobody can say what is not applied while the source is away: it is as old as the last look at least.
    ...(source.ok ? {} : { latencySeconds: (row?.latencySeconds ?? 0) + secondsSince(row?.sampledOn) }),
    sampledOn: new Date().toISOString(),
    message: troubles.join("\n"),
    cutoverHindrance: hindrances.join(" "),
    ...(caughtUp && row?.caughtUp !== true ? { caughtUp, state: "WaitingForCutoverTrigger" } : {}),
  });
  if (source.ok) await keepSample(key, database, source.value.progress);
  return { state: now, caughtUp: caughtUp || row?.caughtUp === true, cutover: row?.cutoverRequested === true };
}

type Reached<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

async function reached<T>(look: () => Promise<T>): Promise<Reached<T>> {
  try {
    return { ok: true, value: await look() };
  } catch (error) {
    if (error instanceof ServiceError && endsFollowing(failureOf(error))) throw error;
    return { ok: false, problem: failureOf(error).message };
  }
}

interface TargetSample {
  readonly counters: DatabasePatch;
  readonly errors: number;
  /** Whether the subscription's worker cannot get on, for a reason that only the server's log tells. */
  readonly stuck: boolean;
  readonly enabled: boolean;
  readonly troubles: readonly string[];
  readonly base: readonly FollowedObject[] | undefined;
}

async function lookAtTarget(
  run: DatabaseRun,
  servers: MigrationServers,
  names: ReplicationNames,
  state: FollowState,
): Promise<TargetSample> {
  const { key, database } = run;
  return await withConnection(servers.target(database, "sample"), async (target) => {
    await renewConnection(run, servers, target, names);
    const subscription = await readSubscription(target, names.subscription, await serverVersion(target));
    if (subscription === undefined) {
      throw new ServiceError(
        "SubscriptionLost",
        `Somebody has dropped subscription ${names.subscription} from target database ${database}: what it had applied is not known any more. Migrate the database again.`,
        { target: database },
      );
    }
    const { inserted, updated, deleted } = await readRowCounters(target);
    const row = await getDatabase(key, database);
    // A server that crashed has lost its statistics: the counters stay where they were.
    const counters = {
      cdcInsertCounter: Math.max(row?.cdcInsertCounter ?? 0, inserted - (row?.cdcInsertBase ?? 0)),
      cdcUpdateCounter: Math.max(row?.cdcUpdateCounter ?? 0, updated - (row?.cdcUpdateBase ?? 0)),
      cdcDeleteCounter: Math.max(row?.cdcDeleteCounter ?? 0, deleted - (row?.cdcDeleteBase ?? 0)),
    };
    const troubles: string[] = [];
    const stuck = subscription.enabled && (!subscription.working || subscription.errors > state.errors);
    if (!subscription.enabled) {
      troubles.push(
        `Subscription ${names.subscription} is disabled on the target. Run there, in database ${database}: ALTER SUBSCRIPTION ${names.subscription} ENABLE;`,
      );
    } else if (stuck) {
      const times = subscription.errors > 0 ? ` It has failed ${subscription.errors} times.` : "";
      troubles.push(`The target's worker for subscription ${names.subscription} does not get on.${times}`);
    }
    const base = await readBaseObjects(target);
    return { counters, errors: subscription.errors, stuck, enabled: subscription.enabled, troubles, base };
  });
}

/** Times as long as looking into the slot has taken it is left to the worker, which would never get at it otherwise. */
const restFactor = 4;

async function explain(
  { database }: DatabaseRun,
  servers: MigrationServers,
  names: ReplicationNames,
  before: FollowState["explained"],
): Promise<FollowState["explained"]> {
  const looked = await reached(() =>
    withConnection(servers.target(database, "sample"), (target) =>
      withConnection(servers.source(database, "sample"), async (source) => {
        const slot = await slotOrFail(source, names.slot, await serverVersion(source));
        const known = before?.at === slot.confirmed ? before : undefined;
        if (known !== undefined && Date.now() < known.until) return known;
        const begun = Date.now();
        const applied = (await readAppliedPoint(target, names.subscription)) ?? slot.confirmed;
        const reason = await explainApplyFailure(source, target, names, applied);
        return {
          at: slot.confirmed,
          // While the worker itself reads the slot nothing can be found out: what was found holds until the slot moves on.
          reason: reason ?? known?.reason,
          until: Date.now() + (Date.now() - begun) * restFactor,
        };
      }),
    ),
  );
  return looked.ok ? looked.value : undefined;
}

interface SourceSample {
  readonly state: Pick<FollowState, "marks" | "goal">;
  readonly progress: DatabasePatch;
  readonly caughtUp: boolean;
  /** Whether the target had everything that the source had when the sample began. */
  readonly current: boolean;
  /** That changes are not fetched. */
  readonly standstill: readonly string[];
  /** What makes a cutover wrong. */
  readonly hindrances: readonly string[];
  readonly troubles: readonly string[];
}

async function lookAtSource(
  run: DatabaseRun,
  servers: MigrationServers,
  names: ReplicationNames,
  state: FollowState,
  base: readonly FollowedObject[] | undefined,
): Promise<SourceSample> {
  return await withConnection(servers.source(run.database, "sample"), async (source) => {
    const version = await serverVersion(source);
    const first = await slotOrFail(source, names.slot, version);
    const goal = state.goal ?? first.current;
    let last = first;
    const deadline = Date.now() + patienceMs;
    while (parseLsn(last.confirmed) < parseLsn(first.current) && Date.now() < deadline && last.active) {
      await delay(pollMs);
      last = await slotOrFail(source, names.slot, version);
    }
    const current = parseLsn(last.confirmed) >= parseLsn(first.current);
    const marks = remember(state.marks, first, last.confirmed);
    const latencySeconds = current ? (last.at - first.at) / 1_000 : ageOf(marks, last);
    const row = await getDatabase(run.key, run.database);
    const from = row?.consistentPoint ?? first.confirmed;
    const changes = await lookAtBase(source, base, names);
    const gaps = unidentifiedChanges(changes.now.tables, row?.unidentifiedChangesBase ?? 0);
    await addWarnings(run.key, run.database, [...changes.warnings, ...gaps]);
    return {
      state: { marks, goal },
      progress: {
        latencySeconds: Math.round(latencySeconds * 10) / 10,
        incomingChanges: Math.max(0, bytesBetween(from, last.current)),
        appliedChanges: Math.max(0, bytesBetween(from, last.confirmed)),
      },
      caughtUp: parseLsn(last.confirmed) >= parseLsn(goal),
      current,
      standstill: last.active || current ? [] : ["Nobody reads from the source's replication slot."],
      hindrances: changes.hindrances,
      troubles: changes.troubles,
    };
  });
}

async function slotOrFail(source: ClientBase, slot: string, version: number): Promise<SlotStatus> {
  const status = await readSlot(source, slot, version);
  if (status === undefined || status.lost !== null) throw slotLost(slot, status);
  return status;
}

/** The last position that the target has confirmed, and all that came after it. */
function remember(marks: FollowState["marks"], now: SlotStatus, confirmed: string): FollowState["marks"] {
  const all = [...marks, { lsn: now.current, at: now.at }];
  const lastApplied = all.findLastIndex(({ lsn }) => parseLsn(lsn) <= parseLsn(confirmed));
  const needed = all.slice(Math.max(0, lastApplied));
  if (needed.length <= maximumMarks) return needed;
  return needed.filter((_, index) => index % 2 === 0 || index === needed.length - 1);
}

/** Seconds: the oldest commit that is not applied came after the last position that is. */
function ageOf(marks: FollowState["marks"], { confirmed, at }: SlotStatus): number {
  const applied = marks.findLast(({ lsn }) => parseLsn(lsn) <= parseLsn(confirmed)) ?? marks[0];
  return applied === undefined ? 0 : Math.max(0, at - applied.at) / 1_000;
}

/** Updates and deletes that will not be on the target. @param before how many there were when the copy began */
function unidentifiedChanges(tables: readonly PublishableTable[], before: number): string[] {
  const unidentified = tables.filter(({ identified, publication }) => !identified && publication !== undefined);
  const changed = unidentified.filter((table) => table.changes > 0);
  if (changed.reduce((sum, table) => sum + table.changes, 0) <= before) return [];
  return [
    `Rows of a table without primary key or replica identity were updated or deleted on the source, which cannot be replicated: one or more of ${changed
      .map(({ schema, name }) => `${schema}.${name}`)
      .join(", ")}.`,
  ];
}

function secondsSince(time: string | undefined): number {
  return time === undefined ? 0 : Math.max(0, Date.now() - Date.parse(time)) / 1_000;
}
