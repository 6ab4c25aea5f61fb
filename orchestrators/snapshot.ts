/** Keeping a database's snapshot open: one keeper relays it to the next until it is closed. */

import type { OrchestrationContext, Task } from "durable-functions";
import * as df from "durable-functions";
import type { DatabaseRun } from "../shared/model/steps.js";
import { Deadline } from "./deadline.js";
import { isSettled, race } from "./race.js";
import { carryOut, StepFailed } from "./step.js";

export interface SnapshotInput {
  readonly run: DatabaseRun;
  /** Seconds that one keeper lives. */
  readonly keeperSeconds: number;
  readonly longestTimerSeconds: number;
  /** Number of the keeper that is to be opened next. */
  readonly generation: number;
}

/** Raised by closeSnapshot, so that the relay ends with the copy. */
const closed = "SnapshotClosed";

/** Relays of one execution before it continues as new, so that its history stays small. */
const relaysPerExecution = 50;

df.app.orchestration("snapshot", function* (context: OrchestrationContext): Generator<Task, void, unknown> {
  const { run, keeperSeconds, longestTimerSeconds, generation } = context.df.getInput<SnapshotInput>() as SnapshotInput;
  const closing = context.df.waitForExternalEvent(closed);
  for (let relay = 0; relay < relaysPerExecution; relay++) {
    const halfLife = Deadline.in(context, keeperSeconds / 2, longestTimerSeconds);
    yield* race<Task>(context, [closing, halfLife]);
    if (isSettled(closing)) {
      halfLife.cancel();
      return;
    }
    if (!(yield* relayed(context, run, generation + relay))) return;
  }
  context.df.continueAsNew({ run, keeperSeconds, longestTimerSeconds, generation: generation + relaysPerExecution });
});

/** False when there is nothing left to relay. A snapshot that was lost is found out, and told, by the copies that need it. */
function* relayed(
  context: OrchestrationContext,
  run: DatabaseRun,
  generation: number,
): Generator<Task, boolean, unknown> {
  try {
    const { open } = yield* carryOut(context, "relaySnapshot", { ...run, generation });
    return open;
  } catch (error) {
    if (error instanceof StepFailed) return false;
    throw error;
  }
}
