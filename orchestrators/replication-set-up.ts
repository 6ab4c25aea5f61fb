/** Waiting until the source is set up for logical replication: its settings need a restart, which is not ours to do. */

import type { OrchestrationContext, Task } from "durable-functions";
import * as df from "durable-functions";
import type { Failure } from "../shared/model/outcome.js";
import { Deadline } from "./deadline.js";
import { race } from "./race.js";
import { carryOut, failureOf } from "./step.js";

export interface SetUpInput {
  readonly key: string;
  /** What is to be migrated: when that is changed, there is nothing to wait for. */
  readonly specification?: number;
}

/** Seconds between two looks. */
const everySeconds = 5;

/** Looks of one execution before it continues as new, so that its history stays small. */
const looksPerExecution = 50;

df.app.orchestration("replicationSetUp", function* (context: OrchestrationContext): Generator<
  Task,
  Failure | null,
  unknown
> {
  const { key, specification = 0 } = context.df.getInput<SetUpInput>() as SetUpInput;
  try {
    for (let look = 1; look <= looksPerExecution; look++) {
      yield* race(context, [Deadline.in(context, everySeconds, everySeconds)]);
      const input = { key, specification };
      const { ready, over }: { ready: boolean; over: boolean } = yield* carryOut(context, "setUpReplication", input);
      if (ready || over) return null;
    }
    context.df.continueAsNew({ key, specification });
    return null;
  } catch (error) {
    return failureOf(error);
  }
});
