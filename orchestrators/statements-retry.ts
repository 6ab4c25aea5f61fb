/** Applying what an ended migration could not: its statements alone, nothing is copied. */

import type { OrchestrationContext, Task } from "durable-functions";
import * as df from "durable-functions";
import type { MigrationState, MigrationSubstate } from "../shared/model/states.js";
import type { StatementsRetryInput } from "../shared/model/steps.js";
import { carryOut, failureOf } from "./step.js";

df.app.orchestration("statementsRetry", function* (context: OrchestrationContext): Generator<Task, void, unknown> {
  const { key, transition, user, databases } = context.df.getInput<StatementsRetryInput>() as StatementsRetryInput;
  const enter = (sequence: number, state: MigrationState, substate?: MigrationSubstate, error?: string) =>
    carryOut(context, "recordTransition", {
      key,
      sequence,
      state,
      ...(substate === undefined ? {} : { substate }),
      ...(error === undefined ? {} : { error }),
    });
  yield* enter(transition, "InProgress", "CompletingMigration");
  const problems: string[] = [];
  for (const { database, attempt } of databases) {
    const run = { key, database, attempt };
    try {
      const input = { ...run, retry: transition, ...(user === undefined ? {} : { user }) };
      while (!(yield* carryOut(context, "retryStatements", input)).done);
    } catch (error) {
      problems.push(`Database ${database}: its statements were not tried again: ${failureOf(error).message}`);
    }
    yield* carryOut(context, "endDatabaseRetry", run);
  }
  const { state, error } = yield* carryOut(context, "endRetry", { key });
  const errors = [...problems, ...(error === undefined ? [] : [error])];
  const told = errors.length === 0 ? undefined : errors.join(" ");
  yield* enter(transition + 1, state, state === "Succeeded" ? "Completed" : undefined, told);
});
