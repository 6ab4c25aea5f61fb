/** Following one database's source until its cutover: a sample now and then, and nothing in between. */

import type { OrchestrationContext, Task } from "durable-functions";
import * as df from "durable-functions";
import { endsFollowing, type Failure } from "../shared/model/outcome.js";
import type { DatabaseRun, FollowState, Limits } from "../shared/model/steps.js";
import { Deadline } from "./deadline.js";
import { isSettled, race } from "./race.js";
import { carryOut, failureOf } from "./step.js";

export interface FollowInput {
  readonly run: DatabaseRun;
  readonly limits: Limits;
  /** The migration's own orchestration, which is told when the database has caught up. */
  readonly root: string;
  /** Undefined until the subscription has been created. */
  readonly state?: FollowState;
}

/** Raised when a cutover has been asked for: it begins at once. Should the event be lost, the next sample finds the request. */
const cutover = "Cutover";
/** Raised when a cancel has been asked for: the next sample finds it. */
const wake = "Wake";

/** Until it has caught up once, a database is looked at this often: the migration waits for it. */
const catchingUpSeconds = 2;

/** Samples of one execution before it continues as new, so that its history stays small. */
const samplesPerExecution = 60;

df.app.orchestration("follow", function* (context: OrchestrationContext): Generator<Task, Failure | null, unknown> {
  const { run, limits, root, state: before } = context.df.getInput<FollowInput>() as FollowInput;
  try {
    if (before === undefined) yield* carryOut(context, "startFollowing", run);
    let state: FollowState = before ?? { marks: [], errors: 0, announced: false };
    const cutoverAsked = context.df.waitForExternalEvent(cutover);
    let woken = context.df.waitForExternalEvent(wake);
    for (let sample = 1; sample <= samplesPerExecution; sample++) {
      const seen: { state: FollowState; caughtUp: boolean; cutover: boolean } = yield* carryOut(
        context,
        "sampleReplication",
        {
          ...run,
          root,
          state,
        },
      );
      state = seen.state;
      if (seen.cutover) return yield* cutOver(context, { run, limits, root, state });
      const seconds = seen.caughtUp
        ? limits.sampleIntervalSeconds
        : Math.min(catchingUpSeconds, limits.sampleIntervalSeconds);
      const next = Deadline.in(context, seconds, limits.longestTimerSeconds);
      yield* race<Task>(context, [next, cutoverAsked, woken]);
      next.cancel();
      if (isSettled(cutoverAsked)) return yield* cutOver(context, { run, limits, root, state });
      if (isSettled(woken)) woken = context.df.waitForExternalEvent(wake);
    }
    context.df.continueAsNew({ run, limits, root, state });
    return null;
  } catch (error) {
    return failureOf(error);
  }
});

/** To the end; or back to following, when the cutover has failed and could succeed once its cause is mended. */
function* cutOver(
  context: OrchestrationContext,
  input: FollowInput & { readonly state: FollowState },
): Generator<Task, null, unknown> {
  try {
    yield* bringOver(context, input.run);
  } catch (error) {
    const failure = failureOf(error);
    if (endsFollowing(failure)) throw error;
    yield* carryOut(context, "resumeFollowing", { ...input.run, root: input.root, failure });
    // The migration is told again at the next sample, should it not have heard of it.
    context.df.continueAsNew({ ...input, state: { ...input.state, announced: false } });
  }
  return null;
}

function* bringOver(context: OrchestrationContext, run: DatabaseRun): Generator<Task, void, unknown> {
  let reached = false;
  while (!reached) {
    const approach: { done: boolean } = yield* carryOut(context, "reachCutoverPoint", run);
    reached = approach.done;
  }
  let next: number | null = 0;
  while (next !== null) {
    const completed: { next: number | null } = yield* carryOut(context, "completeCutover", { ...run, from: next });
    next = completed.next;
  }
}
