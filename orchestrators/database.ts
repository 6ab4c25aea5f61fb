/** Migrating one database: snapshot, schema, data, the rest of the schema, sequences, proof. */

import type { OrchestrationContext, Task } from "durable-functions";
import * as df from "durable-functions";
import { type Failure, isCanceled, isSnapshotLost } from "../shared/model/outcome.js";
import type { DatabaseState } from "../shared/model/states.js";
import type { DatabaseRun, Limits } from "../shared/model/steps.js";
import type { CopyInput } from "./copy.js";
import { FairWindow } from "./fair-window.js";
import type { FollowInput } from "./follow.js";
import { race } from "./race.js";
import type { SnapshotInput } from "./snapshot.js";
import { carryOut, failureOf, finish, resultOf, StepFailed, start } from "./step.js";

export interface DatabaseInput {
  readonly key: string;
  readonly database: string;
  readonly limits: Limits;
  /** An online migration goes on from the base copy: it follows its source until the cutover. */
  readonly online: boolean;
  /** The migration's own orchestration. */
  readonly root: string;
}

export interface DatabaseResult {
  readonly database: string;
  readonly state: DatabaseState;
  readonly failure?: Failure;
}

/** Runs of the base copy: the first, and two more when the snapshot is lost with every session that kept it. */
const attempts = 3;

df.app.orchestration("database", function* (context: OrchestrationContext): Generator<Task, DatabaseResult, unknown> {
  const { key, database, limits, online, root } = context.df.getInput<DatabaseInput>() as DatabaseInput;
  let attempt = 1;
  let failure = yield* baseCopy(context, { key, database, attempt }, limits);
  while (failure !== undefined && isSnapshotLost(failure) && attempt < attempts) {
    attempt += 1;
    failure = yield* baseCopy(context, { key, database, attempt }, limits);
  }
  if (failure === undefined && online) {
    failure = yield* follow(context, { run: { key, database, attempt }, limits, root });
  }
  if (failure === undefined) failure = yield* finishDatabase(context, { key, database, attempt });
  const state = failure === undefined ? "Succeeded" : isCanceled(failure) ? "Canceled" : "Failed";
  const end = { database, state, ...(failure === undefined ? {} : { failure }) } as const;
  return { database, ...(yield* carryOut(context, "endDatabase", { ...end, key, attempt })) };
});

/** One run of the base copy, from its snapshot to the proof; whatever happens, the snapshot is closed at its end. */
function* baseCopy(
  context: OrchestrationContext,
  run: DatabaseRun,
  limits: Limits,
): Generator<Task, Failure | undefined, unknown> {
  const relay = `${context.df.instanceId}:snapshot:${run.attempt}`;
  let failure: Failure | undefined;
  let relaying: Task | undefined;
  try {
    yield* carryOut(context, "openSnapshot", run);
    const { activityBudgetSeconds: keeperSeconds, longestTimerSeconds } = limits;
    relaying = relaySnapshot(context, relay, { run, keeperSeconds, longestTimerSeconds, generation: 2 });
    const preparing = start(context, "prepareTarget", run);
    yield* race(context, [relaying, preparing]);
    yield* finish<"prepareTarget">(context, preparing);
    yield* copyDatabase(context, run, limits);
  } catch (error) {
    failure = failureOf(error);
  }
  yield* closeSnapshot(context, run, relay, relaying);
  return failure;
}

/**
 * A source that cannot be reached now keeps nobody from ending: its keepers end by themselves, and endMigration looks for what is left and tells
 * of it.
 */
function* closeSnapshot(
  context: OrchestrationContext,
  run: DatabaseRun,
  relay: string,
  relaying: Task | undefined,
): Generator<Task, void, unknown> {
  try {
    yield* carryOut(context, "closeSnapshot", { ...run, relay });
    if (relaying !== undefined) yield relaying;
  } catch {
    // Told by endMigration, if anything is left by then.
  }
}

/** From the base copy to the end of the cutover. */
function* follow(context: OrchestrationContext, input: FollowInput): Generator<Task, Failure | undefined, unknown> {
  try {
    const instanceId = `${context.df.instanceId}:follow`;
    return ((yield context.df.callSubOrchestrator("follow", input, instanceId)) as Failure | null) ?? undefined;
  } catch (error) {
    return failureOf(error);
  }
}

function* copyDatabase(
  context: OrchestrationContext,
  run: DatabaseRun,
  limits: Limits,
): Generator<Task, void, unknown> {
  const plan = yield* carryOut(context, "planDatabase", run);
  yield* applyJobs(context, run, [plan.preData], 1);
  for (let round = 1; round <= plan.rounds; round++) {
    yield* copyRound(context, { run, round, limits });
  }
  for (const jobs of plan.afterData) {
    yield* applyJobs(context, run, jobs, limits.maxParallelIndexBuilds);
  }
  yield* carryOut(context, "verifyDatabase", run);
  yield* carryOut(context, "setSequences", run);
  for (const jobs of plan.afterProof) {
    yield* applyJobs(context, run, jobs, limits.maxParallelIndexBuilds);
  }
}

/** What binds everybody who connects, us too: the database's event triggers and settings. Nothing of ours is left in it by then. */
function* finishDatabase(
  context: OrchestrationContext,
  run: DatabaseRun,
): Generator<Task, Failure | undefined, unknown> {
  try {
    yield* carryOut(context, "finishDatabase", run);
    return undefined;
  } catch (error) {
    return failureOf(error);
  }
}

function relaySnapshot(context: OrchestrationContext, instanceId: string, input: SnapshotInput): Task {
  return context.df.callSubOrchestrator("snapshot", input, instanceId);
}

function* copyRound(context: OrchestrationContext, input: CopyInput): Generator<Task, void, unknown> {
  const instanceId = `${context.df.instanceId}:copy:${input.run.attempt}:${input.round}`;
  const failure = (yield context.df.callSubOrchestrator("copy", input, instanceId)) as Failure | null;
  if (failure !== null) throw new StepFailed(failure);
}

/** Several jobs at once; one that goes on in the server after its function is gone is attached to again. */
function* applyJobs(
  context: OrchestrationContext,
  run: DatabaseRun,
  jobs: readonly number[],
  atOnce: number,
): Generator<Task, void, unknown> {
  const queued = [...jobs];
  const running = new Map<Task, number>();
  const fair = new FairWindow();
  let failure: Failure | undefined;
  while (running.size > 0 || (queued.length > 0 && failure === undefined)) {
    while (running.size < atOnce && fair.hasRoom(running.size) && queued.length > 0 && failure === undefined) {
      const job = queued.shift();
      if (job !== undefined) running.set(start(context, "applyJob", { ...run, job }), job);
    }
    if (running.size === 0) {
      yield* fair.pause(context);
      continue;
    }
    const settled = yield* race(context, [...running.keys()]);
    const job = running.get(settled);
    running.delete(settled);
    try {
      const { done, busy } = resultOf<"applyJob">(settled);
      if (busy === undefined) fair.foundPlace();
      else fair.steppedAside(running.size);
      if (!done && job !== undefined) queued.unshift(job);
    } catch (error) {
      failure ??= failureOf(error);
    }
  }
  if (failure !== undefined) throw new StepFailed(failure);
}
