/** A run of rules whose outcomes are in the status tables as soon as they are known, so that the next runner goes on where one had to stop. */
import type { ValidationVerdict } from "../model/steps.js";
import { settings } from "../settings.js";
import { listValidations, recordValidations, type ValidationRow } from "../status/validations.js";
import type { RuleSessions } from "./rule-sessions.js";
import { type Check, type RuleOutcome, runChecks } from "./run-checks.js";

export interface RecordedRun {
  readonly key: string;
  /** Undefined: the rules about the servers. */
  readonly database?: string;
  readonly checks: readonly Check[];
  /** Opens the sessions that a gate, or any other rule, is checked with. */
  readonly open: (gate: boolean) => Promise<RuleSessions>;
  /** Whether to stop: then outcomes are not to be trusted any more, for sessions have been ended under the rules. */
  readonly isCanceled: () => Promise<boolean>;
}

/**
 * Runs the rules that have no outcome yet: gates first, the others only when no gate has failed. Hands on when the activity's budget is used up.
 * @throws Error when it is cancelled; step functions make Canceled of it.
 */
export async function runRecorded(run: RecordedRun): Promise<ValidationVerdict> {
  const deadline = Date.now() + (settings().activityBudgetSeconds - settings().validationRuleTimeoutSeconds) * 1_000;
  const gates = run.checks.filter(({ rule }) => rule.gate === true);
  const others = run.checks.filter(({ rule }) => rule.gate !== true);
  const outcomes = new Outcomes(run);
  await outcomes.read();
  let done = await runStage(run, outcomes, gates, deadline);
  if (done && !outcomes.anyFailed(gates)) done = await runStage(run, outcomes, others, deadline);
  return { done, failed: outcomes.failed };
}

async function runStage(
  { open }: RecordedRun,
  outcomes: Outcomes,
  checks: readonly Check[],
  deadline: number,
): Promise<boolean> {
  const gate = checks.some(({ rule }) => rule.gate === true);
  return await runChecks(outcomes.missing(checks), {
    open: () => open(gate),
    limitSeconds: settings().validationRuleTimeoutSeconds,
    settled: (outcome) => outcomes.add(outcome),
    goOn: async () => {
      await outcomes.refuseIfCanceled();
      return Date.now() < deadline;
    },
  });
}

/** What is known of the rules of one scope. */
class Outcomes {
  readonly #run: RecordedRun;
  readonly #states = new Map<string, string>();

  constructor(run: RecordedRun) {
    this.#run = run;
  }

  get failed(): number {
    return [...this.#states.values()].filter((state) => state === "Failed").length;
  }

  async read(): Promise<void> {
    const rows = await listValidations(this.#run.key);
    for (const { database, rule, state } of rows) if (database === this.#run.database) this.#states.set(rule, state);
  }

  missing(checks: readonly Check[]): Check[] {
    return checks.filter(({ rule }) => !this.#states.has(rule.id));
  }

  anyFailed(checks: readonly Check[]): boolean {
    return checks.some(({ rule }) => this.#states.get(rule.id) === "Failed");
  }

  async add(outcome: RuleOutcome): Promise<void> {
    if (outcome.state === "Failed") await this.refuseIfCanceled();
    await recordValidations(this.#run.key, [rowOf(outcome, this.#run.database)]);
    this.#states.set(outcome.rule.id, outcome.state);
  }

  async refuseIfCanceled(): Promise<void> {
    if (await this.#run.isCanceled()) throw new Error("The validation is being cancelled.");
  }
}

function rowOf(
  { rule, state, findings, startedOn, endedOn }: RuleOutcome,
  database: string | undefined,
): ValidationRow {
  return {
    level: rule.scope,
    database,
    rule: rule.id,
    title: rule.title,
    state,
    durationMs: endedOn.getTime() - startedOn.getTime(),
    messages: findings.map(({ state: severity, message }) => ({ state: severity, message })),
    startedOn: startedOn.toISOString(),
    endedOn: endedOn.toISOString(),
  };
}
