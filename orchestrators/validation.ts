/** Validating a migration: the rules about the servers and those about each database, all at once. */
import type { OrchestrationContext, Task } from "durable-functions";
import type { MigrationSpec } from "../shared/model/migration.js";
import { canceled, isCanceled } from "../shared/model/outcome.js";
import type { ValidationVerdict } from "../shared/model/steps.js";
import type { Commands } from "./commands.js";
import { failureOf, resultOf, StepFailed, start } from "./step.js";

/** A place where rules failed, for the migration's error. */
interface FailedScope {
  readonly failed: number;
  /** E.g. "database shop". */
  readonly scope: string;
}

/**
 * Waits for every rule's outcome; they are in the status tables.
 * @returns why the migration must not go on, or undefined when it may. A database that is cancelled meanwhile has no say.
 * @throws StepFailed when all are cancelled, the migration's time is over, or a validation could not be carried out at all.
 */
export function* validate(
  context: OrchestrationContext,
  { key, databases }: MigrationSpec,
  commands: Commands,
): Generator<Task, string | undefined, unknown> {
  const scopes: Scope[] = [
    { name: "the servers", start: () => start(context, "validateServers", { key }) },
    ...databases.map((database) => ({
      name: `database ${database}`,
      start: () => start(context, "validateDatabase", { key, database }),
    })),
  ];
  const running = new Map<Task, Scope>(scopes.map((scope) => [scope.start(), scope]));
  const failed: FailedScope[] = [];
  const failures: StepFailed[] = [];
  while (running.size > 0) {
    const settled = yield* commands.settle([...running.keys()]);
    const scope = running.get(settled);
    running.delete(settled);
    if (scope === undefined) continue;
    try {
      const verdict: ValidationVerdict = resultOf<"validateServers">(settled);
      if (!verdict.done) running.set(scope.start(), scope);
      else if (verdict.failed > 0) failed.push({ failed: verdict.failed, scope: scope.name });
    } catch (error) {
      const failure = failureOf(error);
      if (!isCanceled(failure)) failures.push(new StepFailed(failure));
    }
  }
  if (commands.timeout !== undefined) throw new StepFailed(commands.timeout);
  if (commands.allCanceled) throw new StepFailed(canceled);
  const [failure] = failures;
  if (failure !== undefined) throw failure;
  return failed.length === 0 ? undefined : refusal(failed);
}

interface Scope {
  readonly name: string;
  readonly start: () => Task;
}

function refusal(failed: readonly FailedScope[]): string {
  const places = failed.map(({ failed: rules, scope }) => `${rules} ${rules === 1 ? "rule" : "rules"} of ${scope}`);
  return (
    `Validation failed: ${places.join(", ")}. What is wrong and what to do about it is in ` +
    "currentStatus.currentSubStateDetails.validationDetails; then create the migration again under another name."
  );
}
