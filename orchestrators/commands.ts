/** The commands that reach a running migration as external events: waiting for work and for them at the same time. */
import type { OrchestrationContext, Task } from "durable-functions";
import type { MigrationSpec } from "../shared/model/migration.js";
import { canceled, type Failure } from "../shared/model/outcome.js";
import { race } from "./race.js";
import { StepFailed, start } from "./step.js";

export class Commands {
  readonly #context: OrchestrationContext;
  readonly #spec: MigrationSpec;
  readonly #canceled = new Set<string>();
  readonly #deadline: ReturnType<OrchestrationContext["df"]["createTimer"]>;
  readonly #timeout: Failure;
  /** Steps that carry a command out. They are raced with everything else: while one is awaited alone, a second command would go unheard. */
  #carryingOut: Task[] = [];
  #cancel: Task;
  #timedOut = false;
  #announce: (() => Task) | undefined;

  constructor(context: OrchestrationContext, spec: MigrationSpec, timeoutDays: number) {
    this.#context = context;
    this.#spec = spec;
    this.#cancel = context.df.waitForExternalEvent("Cancel");
    this.#deadline = context.df.createTimer(
      new Date(context.df.currentUtcDateTime.getTime() + timeoutDays * 24 * 3_600_000),
    );
    this.#timeout = {
      code: "MigrationTimedOut",
      message: `The migration has not ended within ${timeoutDays} days (MIGRATION_TIMEOUT_DAYS).`,
    };
  }

  /** Whether every database has been asked to stop. */
  get allCanceled(): boolean {
    return this.#spec.databases.every((database) => this.#canceled.has(database));
  }

  get timeout(): Failure | undefined {
    return this.#timedOut ? this.#timeout : undefined;
  }

  /** From now on a cancel is announced by this step, carried out beside the cancel itself. */
  announceCancel(announce: () => Task): void {
    this.#announce = announce;
  }

  /**
   * Waits for the first of the tasks, before any work on the databases has begun.
   * @throws StepFailed when the migration is cancelled or its time is over.
   */
  *waitFor(tasks: readonly Task[]): Generator<Task, Task, unknown> {
    for (;;) {
      const settled = yield* this.#next(tasks);
      if (this.timeout !== undefined) throw new StepFailed(this.timeout);
      if (this.allCanceled) throw new StepFailed(canceled);
      if (settled !== undefined) return settled;
    }
  }

  /** Waits for the first of the tasks while databases are worked on: those that are cancelled come to their end by themselves. */
  *settle(tasks: readonly Task[]): Generator<Task, Task, unknown> {
    for (;;) {
      const settled = yield* this.#next(tasks);
      if (settled !== undefined) return settled;
    }
  }

  /** An orchestration cannot complete while a timer of its own runs. */
  end(): void {
    if (!this.#deadline.isCompleted) this.#deadline.cancel();
  }

  /** The task that has settled, or undefined when it was a command or its execution. */
  *#next(tasks: readonly Task[]): Generator<Task, Task | undefined, unknown> {
    const deadline = this.#timedOut ? [] : [this.#deadline];
    const settled = yield* race<Task>(this.#context, [...tasks, ...this.#carryingOut, ...deadline, this.#cancel]);
    if (tasks.includes(settled)) return settled;
    this.#carryingOut = this.#carryingOut.filter((task) => task !== settled);
    if (settled === this.#deadline) {
      this.#timedOut = true;
      this.#requestCancel(this.#spec.databases);
    }
    if (settled === this.#cancel) {
      this.#cancel = this.#context.df.waitForExternalEvent("Cancel");
      this.#requestCancel(databasesNamed(settled.result, this.#spec.databases));
    }
    return undefined;
  }

  #requestCancel(databases: readonly string[]): void {
    for (const database of databases) this.#canceled.add(database);
    this.#carryingOut.push(start(this.#context, "requestCancel", { key: this.#spec.key, databases }));
    if (this.#announce !== undefined) this.#carryingOut.push(this.#announce());
  }
}

/** The event's `{databases?: string[]}`: those named, or all. An operator may raise it by hand: anything else means all. */
function databasesNamed(event: unknown, all: readonly string[]): readonly string[] {
  if (typeof event !== "object" || event === null || !("databases" in event) || !Array.isArray(event.databases))
    return all;
  const named: readonly unknown[] = event.databases;
  return named.length === 0 ? all : all.filter((database) => named.includes(database));
}
