/** Calling a step from an orchestration: an activity with the service's retry policy, its failure as an exception. */
import { type OrchestrationContext, RetryOptions, type Task } from "durable-functions";
import { type Failure, isOfPlatform, type Outcome } from "../shared/model/outcome.js";
import type { StepName, Steps } from "../shared/model/steps.js";
import { hostAwaited } from "./host-clock.js";
import { race } from "./race.js";
import { Retried, type RetryLimits } from "./retried.js";

/** A step that failed for good. */
export class StepFailed extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

/**
 * Lost connections and restarting servers: 1, 2, 4 … 30 s, for about two minutes. Before anything has been done, a server that does not
 * answer is more likely a wrong address: whoever gave it should not wait that long to be told.
 */
function retryLimits(step: StepName): RetryLimits {
  return { attempts: step === "prepareMigration" ? 4 : 8, firstWait: 1_000, longestWait: 30_000 };
}

/** Schedules a step, to be awaited with race() or finish(). */
export function start<S extends StepName>(context: OrchestrationContext, step: S, input: Steps[S]["input"]): Task {
  return new Retried(context, () => context.df.callActivity(step, input), retryLimits(step));
}

/**
 * Carries a step out.
 * @throws StepFailed when it fails for good, or every retry did.
 */
export function* carryOut<S extends StepName>(
  context: OrchestrationContext,
  step: S,
  input: Steps[S]["input"],
): Generator<Task, Steps[S]["output"], unknown> {
  const { attempts, firstWait, longestWait } = retryLimits(step);
  const policy = new RetryOptions(firstWait, attempts);
  policy.backoffCoefficient = 2;
  policy.maxRetryIntervalInMilliseconds = longestWait;
  for (;;) {
    try {
      return unwrap<S>((yield context.df.callActivityWithRetry(step, policy, input)) as Outcome<Steps[S]["output"]>);
    } catch (error) {
      if (error instanceof StepFailed) throw error;
      // That says nothing about the migration: it is waited out.
      if (!isOfPlatform(error)) throw new StepFailed(failureOfRetries(error));
    } finally {
      hostAwaited(context);
    }
  }
}

/**
 * Waits for a step that may have been started before.
 * @throws StepFailed as carryOut() does.
 */
export function* finish<S extends StepName>(
  context: OrchestrationContext,
  task: Task,
): Generator<Task, Steps[S]["output"], unknown> {
  return resultOf<S>(yield* race(context, [task]));
}

/**
 * The value of a step that has settled.
 * @throws StepFailed as carryOut() does.
 */
export function resultOf<S extends StepName>(task: Task): Steps[S]["output"] {
  if (task.isFaulted) throw new StepFailed(failureOfRetries(task.result));
  return unwrap<S>(task.result as Outcome<Steps[S]["output"]>);
}

/** What an exception in an orchestration means for the migration. */
export function failureOf(error: unknown): Failure {
  return error instanceof StepFailed ? error.failure : failureOfRetries(error);
}

function unwrap<S extends StepName>(outcome: Outcome<Steps[S]["output"]>): Steps[S]["output"] {
  if (!outcome.ok) throw new StepFailed(outcome.failure);
  return outcome.value;
}

/** Durable words it "Activity function 'x' failed: <our message> \n <stack>": people need the message. */
function failureOfRetries(error: unknown): Failure {
  const text = error instanceof Error ? error.message : String(error);
  const message = text
    .split("\n")[0]
    ?.replace(/^(Activity|Orchestrator) function '[^']*' failed: */, "")
    .trim();
  return { code: "RetriesExhausted", message: message === undefined || message === "" ? text : message };
}
