/** A migration, from its request to its end: the root orchestration, one a migration. */

import type { OrchestrationContext, Task } from "durable-functions";
import * as df from "durable-functions";
import type { MigrationSpec } from "../shared/model/migration.js";
import { type Failure, isCanceled } from "../shared/model/outcome.js";
import type { MigrationState, MigrationSubstate } from "../shared/model/states.js";
import type { Limits, PreparedMigration, Steps } from "../shared/model/steps.js";
import { Commands, databasesNamed, Outdated, specificationIn } from "./commands.js";
import { Cutovers } from "./cutovers.js";
import type { DatabaseInput, DatabaseResult } from "./database.js";
import { Deadline } from "./deadline.js";
import { isSettled } from "./race.js";
import type { SetUpInput } from "./replication-set-up.js";
import { carryOut, failureOf, resultOf, StepFailed, start } from "./step.js";
import { validate } from "./validation.js";

interface Ending {
  readonly state: MigrationState;
  readonly error?: string;
}

df.app.orchestration("migration", function* (context: OrchestrationContext): Generator<Task, Ending, unknown> {
  const spec = context.df.getInput<MigrationSpec>() as MigrationSpec;
  const migration = new Migration(context, spec);
  let ending: Ending;
  let migrated = false;
  try {
    yield* migration.enter("InProgress", "PerformingPreRequisiteSteps");
    const prepared = yield* carryOut(context, "prepareMigration", { key: spec.key });
    const commands = new Commands(context, spec, prepared.limits);
    try {
      const early = yield* migration.prepare(commands, prepared);
      if (early !== undefined) ending = early;
      else {
        migrated = true;
        yield* migration.migrateRoles();
        ending = endingOf(yield* migration.migrateDatabases(commands, prepared.limits), commands);
      }
    } finally {
      commands.end();
    }
  } catch (error) {
    ending = endingOfFailure(failureOf(error));
  }
  const { leftBehind } = yield* carryOut(context, "endMigration", { key: spec.key, migrated });
  return yield* migration.end(withNotice(ending, leftBehind));
});

/** Durable's timers may fire up to a second early (its messages' delays are whole seconds): a window must not open before its time. */
const earliestTimerMs = 1_000;

/** What one migration does, step by step, and the transitions that it records. */
class Migration {
  readonly #context: OrchestrationContext;
  #spec: MigrationSpec;
  #specification = 0;
  #confirmation: Task | undefined;
  #requested: Task | undefined;
  #transitions = 0;
  /** How many cutovers had failed when the limit of the present wait began. */
  #limitedFrom: number | undefined;

  constructor(context: OrchestrationContext, spec: MigrationSpec) {
    this.#context = context;
    this.#spec = spec;
  }

  *enter(state: MigrationState, substate?: MigrationSubstate, error?: string): Generator<Task, void, unknown> {
    yield* carryOut(this.#context, "recordTransition", this.#next(state, substate, error));
  }

  /**
   * Everything before the data migration. While it is held here, what is to be migrated may be changed: then it begins anew.
   * @returns how it ends without a data migration, or undefined when that begins
   */
  *prepare(commands: Commands, first: PreparedMigration): Generator<Task, Ending | undefined, unknown> {
    let prepared = first;
    for (;;) {
      try {
        if (this.#spec.option !== "Validate") yield* this.confirmOverwrite(commands, prepared);
        const refusal = this.#spec.option === "Migrate" ? undefined : yield* this.validate(commands);
        if (refusal !== undefined) return { state: "ValidationFailed", error: refusal };
        if (this.#spec.option === "Validate") return { state: "Succeeded" };
        yield* this.setUpReplication(commands);
        yield* this.waitForStart(commands, prepared.limits);
        yield* this.#enterUnlessOutdated("InProgress", "MigratingData");
        return undefined;
      } catch (error) {
        if (!(error instanceof Outdated)) throw error;
      }
      const respecified = yield* carryOut(this.#context, "respecify", { key: this.#spec.key });
      this.#spec = respecified.spec;
      this.#specification = respecified.specification;
      commands.respecified(respecified);
      yield* this.enter("InProgress", "PerformingPreRequisiteSteps");
      prepared = yield* carryOut(this.#context, "prepareMigration", { key: this.#spec.key });
    }
  }

  /** @throws Outdated when something else is to be migrated by now: then nothing is recorded. */
  *#enterUnlessOutdated(
    state: MigrationState,
    substate: MigrationSubstate,
    error?: string,
  ): Generator<Task, void, unknown> {
    const transition = { ...this.#next(state, substate, error), specification: this.#specification };
    const answer = yield* carryOut(this.#context, "recordTransition", transition);
    if (answer?.recorded !== false) return;
    this.#transitions -= 1;
    throw new Outdated();
  }

  #next(state: MigrationState, substate?: MigrationSubstate, error?: string): Steps["recordTransition"]["input"] {
    this.#transitions += 1;
    return {
      key: this.#spec.key,
      sequence: this.#transitions,
      state,
      ...(substate === undefined ? {} : { substate }),
      ...(error === undefined ? {} : { error }),
    };
  }

  /** An online migration holds until both servers can replicate. */
  *setUpReplication(commands: Commands): Generator<Task, void, unknown> {
    if (this.#spec.mode === "Offline") return;
    const { key } = this.#spec;
    const specification = this.#specification;
    const input: SetUpInput = { key, specification };
    const { ready, message } = yield* carryOut(this.#context, "setUpReplication", { key, specification });
    if (ready) return;
    const waiting = "WaitingForLogicalReplicationSetupRequestOnSourceDB";
    yield* this.#enterUnlessOutdated("WaitingForUserAction", waiting, message);
    commands.on("SetupReplication", () => {
      commands.alongside(start(this.#context, "allowReplicationSetUp", { key }));
    });
    const instanceId = `${this.#context.df.instanceId}:set-up${specification === 0 ? "" : `-${specification}`}`;
    const setUp = yield* commands.waitFor([
      this.#context.df.callSubOrchestrator("replicationSetUp", input, instanceId),
    ]);
    if (setUp.isFaulted) throw setUp.result;
    const failure = setUp.result as Failure | null;
    if (failure !== null) throw new StepFailed(failure);
    yield* this.enter("InProgress", "PerformingPreRequisiteSteps");
  }

  *confirmOverwrite(commands: Commands, { databasesOnTarget }: PreparedMigration): Generator<Task, void, unknown> {
    if (this.#spec.overwriteDbsInTarget || databasesOnTarget.length === 0) return;
    yield* this.#enterUnlessOutdated("WaitingForUserAction", "WaitingForTargetDBOverwriteConfirmation");
    const specification = this.#specification;
    // One that has come for what was to be migrated before says nothing of this.
    if (this.#confirmation !== undefined && isSettled(this.#confirmation)) this.#confirmation = undefined;
    for (let confirmed = false; !confirmed; ) {
      this.#confirmation ??= this.#context.df.waitForExternalEvent("ConfirmOverwrite");
      const event = yield* commands.waitFor([this.#confirmation]);
      this.#confirmation = undefined;
      confirmed = specificationIn(event.result, specification) === specification;
    }
    yield* carryOut(this.#context, "confirmOverwrite", { key: this.#spec.key, specification });
    yield* this.enter("InProgress", "PerformingPreRequisiteSteps");
  }

  /** Why the migration must not go on, or undefined when it may. */
  *validate(commands: Commands): Generator<Task, string | undefined, unknown> {
    yield* this.enter("InProgress", "ValidationInProgress");
    return yield* validate(this.#context, this.#spec, commands);
  }

  /** Holds until the data migration may start: on request, or when its window opens. */
  *waitForStart(commands: Commands, { longestTimerSeconds }: Limits): Generator<Task, void, unknown> {
    const { startDataMigration, migrationWindowStartTimeInUtc: opens } = this.#spec;
    // One task for all: a second one would not hear the event that the first is given.
    this.#requested ??= this.#context.df.waitForExternalEvent("StartDataMigration");
    const requested = this.#requested;
    if (opens !== undefined && new Date(opens) > this.#context.df.currentUtcDateTime) {
      yield* this.#enterUnlessOutdated("WaitingForUserAction", "WaitingForDataMigrationWindow");
      const at = new Date(new Date(opens).getTime() + earliestTimerMs);
      const window = new Deadline(this.#context, at, longestTimerSeconds);
      try {
        yield* commands.waitFor([window, requested]);
      } finally {
        window.cancel();
      }
    } else if (!startDataMigration) {
      yield* this.#enterUnlessOutdated("WaitingForUserAction", "WaitingForDataMigrationScheduling");
      yield* commands.waitFor([requested]);
    }
  }

  /** Once for all databases: their owners and grantees are there before what they own. */
  *migrateRoles(): Generator<Task, void, unknown> {
    if (this.#spec.migrateRoles) yield* carryOut(this.#context, "migrateRoles", { key: this.#spec.key });
  }

  /** All databases at once, each its own orchestration; none is stopped by another's failure. */
  *migrateDatabases(commands: Commands, limits: Limits): Generator<Task, DatabaseResult[], unknown> {
    const { key, databases, mode } = this.#spec;
    const root = this.#context.df.instanceId;
    const running = new Map<Task, string>();
    for (const [index, database] of databases.entries()) {
      const input: DatabaseInput = { key, database, limits, online: mode === "Online", root };
      running.set(this.#context.df.callSubOrchestrator("database", input, `${root}:${index + 1}`), database);
    }
    const cutovers = new Cutovers(databases);
    const enterNext = (error?: string) => {
      const next = cutovers.next();
      if (next !== undefined) commands.alongside(this.#transition(next.state, next.substate, error));
      if (next?.substate === "WaitingForCutoverTrigger") this.#limitWaiting(commands, limits, cutovers);
    };
    commands.cancelAmong(
      () => [...running.values()],
      (asked) => {
        cutovers.cancel(asked);
        return this.#transition("InProgress", "CancelingRequestedDBMigrations");
      },
    );
    if (mode === "Online") {
      commands.on("DatabaseCaughtUp", () => {
        commands.alongside(start(this.#context, "readCaughtUp", { key }), (step) => {
          if (step.isFaulted) return;
          const { caughtUp, failedCutovers = [] } = resultOf<"readCaughtUp">(step);
          cutovers.caughtUp(caughtUp);
          for (const { database, failures } of failedCutovers) cutovers.resumed(database, failures);
          const errors = failedCutovers.map(({ database, message }) => `Database ${database}: ${message}`);
          enterNext(errors.length === 0 ? undefined : errors.join(" "));
        });
      });
      commands.on("Cutover", (event) => {
        const chosen = cutovers.request(databasesNamed(event, databases));
        if (chosen.length === 0) return;
        commands.alongside(start(this.#context, "requestCutover", { key, databases: chosen }));
        enterNext();
      });
    }
    const results: DatabaseResult[] = [];
    while (running.size > 0) {
      const settled = yield* commands.settle([...running.keys()]);
      const database = running.get(settled) ?? "";
      running.delete(settled);
      results.push(
        settled.isFaulted
          ? { database, state: "Failed", failure: failureOf(settled.result) }
          : (settled.result as DatabaseResult),
      );
      cutovers.ended(database);
      enterNext();
    }
    return results;
  }

  #limitWaiting(commands: Commands, { cutoverTimeoutDays }: Limits, cutovers: Cutovers): void {
    const { failures } = cutovers;
    if (this.#limitedFrom === failures) return;
    this.#limitedFrom = failures;
    const failure = {
      code: "CutoverTimedOut",
      message: `The cutover was not triggered within ${cutoverTimeoutDays} days (CUTOVER_TIMEOUT_DAYS).`,
    };
    // A cutover that has failed gives its migration the whole time anew.
    commands.after(cutoverTimeoutDays, failure, () => (cutovers.failures === failures ? cutovers.following : []));
  }

  #transition(state: MigrationState, substate?: MigrationSubstate, error?: string): Task {
    return start(this.#context, "recordTransition", this.#next(state, substate, error));
  }

  *end(ending: Ending): Generator<Task, Ending, unknown> {
    yield* this.enter(ending.state, ending.state === "Succeeded" ? "Completed" : undefined, ending.error);
    return ending;
  }
}

function endingOf(results: readonly DatabaseResult[], commands: Commands): Ending {
  const failed = results.find(({ state }) => state === "Failed");
  if (commands.timeout !== undefined) return endingOfFailure(commands.timeout);
  if (failed?.failure !== undefined) {
    return { state: "Failed", error: `Database ${failed.database}: ${failed.failure.message}` };
  }
  return { state: results.some(({ state }) => state === "Succeeded") ? "Succeeded" : "Canceled" };
}

function endingOfFailure(failure: Failure): Ending {
  return isCanceled(failure) ? { state: "Canceled" } : { state: "Failed", error: failure.message };
}

function withNotice(ending: Ending, leftBehind: string | undefined): Ending {
  if (leftBehind === undefined) return ending;
  return { ...ending, error: ending.error === undefined ? leftBehind : `${ending.error} ${leftBehind}` };
}
