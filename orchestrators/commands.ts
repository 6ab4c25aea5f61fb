/** The commands that reach a running migration as external events: waiting for work and for them at the same time. */
import type { OrchestrationContext, Task } from "durable-functions";
import type { MigrationSpec } from "../shared/model/migration.js";
import { canceled, type Failure } from "../shared/model/outcome.js";
import type { Limits, Respecified } from "../shared/model/steps.js";
import { Deadline } from "./deadline.js";
import { race } from "./race.js";
import { StepFailed, start } from "./step.js";

export class Commands {
  readonly #context: OrchestrationContext;
  #spec: MigrationSpec;
  readonly #canceled = new Set<string>();
  /** Steps that carry a command out, and what follows from each. They are raced with everything else: while one is awaited alone, a second command would go unheard. */
  readonly #carryingOut = new Map<Task, ((step: Task) => void) | undefined>();
  readonly #deadlines = new Map<Deadline, () => void>();
  readonly #listeners = new Map<Task, { event: string; react: (data: unknown) => void }>();
  #timeout: Failure | undefined;
  #specification = 0;
  #outdated = false;
  #announce: ((databases: readonly string[]) => Task) | undefined;
  /** The databases that have not ended. */
  #remaining: () => readonly string[];

  readonly #longestTimerSeconds: number;

  constructor(
    context: OrchestrationContext,
    spec: MigrationSpec,
    { migrationTimeoutDays: timeoutDays, longestTimerSeconds }: Limits,
  ) {
    this.#context = context;
    this.#spec = spec;
    this.#longestTimerSeconds = longestTimerSeconds;
    this.#remaining = () => this.#spec.databases;
    this.on("Cancel", (event) => this.#requestCancel(databasesNamed(event, this.#spec.databases)));
    this.on("Respecify", (event) => {
      if (specificationIn(event, this.#specification + 1) > this.#specification) this.#outdated = true;
    });
    this.after(timeoutDays, {
      code: "MigrationTimedOut",
      message: `The migration has not ended within ${timeoutDays} days (MIGRATION_TIMEOUT_DAYS).`,
    });
  }

  /** Whether every database has been asked to stop. */
  get allCanceled(): boolean {
    return this.#spec.databases.every((database) => this.#canceled.has(database));
  }

  get timeout(): Failure | undefined {
    return this.#timeout;
  }

  /** Hears every such event from now on, whenever something is waited for here. */
  on(event: string, react: (data: unknown) => void): void {
    this.#listeners.set(this.#context.df.waitForExternalEvent(event), { event, react });
  }

  /** Fails the migration that many days from now, unless there are no databases left for it to cancel. */
  after(days: number, failure: Failure, remaining: () => readonly string[] = () => this.#spec.databases): void {
    const deadline = Deadline.in(this.#context, days * 24 * 3_600, this.#longestTimerSeconds);
    this.#deadlines.set(deadline, () => {
      const databases = remaining();
      if (databases.length === 0) return;
      this.#timeout ??= failure;
      this.#requestCancel(databases);
    });
  }

  /** From now on it is about this. */
  respecified({ spec, specification, canceled: asked }: Respecified): void {
    this.#spec = spec;
    this.#specification = specification;
    this.#outdated = false;
    this.#canceled.clear();
    for (const database of asked) this.#canceled.add(database);
  }

  /** Carries a step out beside whatever is waited for here. */
  alongside(step: Task, then?: (step: Task) => void): void {
    this.#carryingOut.set(step, then);
  }

  /**
   * From now on databases end one by one, and there is nothing to cancel but in those that have not.
   * @param announce a step that announces a cancel, carried out beside the cancel itself
   */
  cancelAmong(remaining: () => readonly string[], announce: (databases: readonly string[]) => Task): void {
    this.#remaining = remaining;
    this.#announce = announce;
  }

  /**
   * Waits for the first of the tasks, before any work on the databases has begun.
   * @throws StepFailed when the migration is cancelled or its time is over.
   * @throws Outdated when something else is to be migrated by now.
   */
  *waitFor(tasks: readonly Task[]): Generator<Task, Task, unknown> {
    for (;;) {
      const settled = yield* this.#next(tasks);
      if (this.timeout !== undefined) throw new StepFailed(this.timeout);
      if (this.allCanceled) throw new StepFailed(canceled);
      if (this.#outdated) throw new Outdated();
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
    for (const deadline of this.#deadlines.keys()) deadline.cancel();
  }

  /** The task that has settled, or undefined when it was a command or its execution. */
  *#next(tasks: readonly Task[]): Generator<Task, Task | undefined, unknown> {
    const ours = [...this.#carryingOut.keys(), ...this.#deadlines.keys(), ...this.#listeners.keys()];
    const settled = yield* race<Task>(this.#context, [...tasks, ...ours]);
    if (tasks.includes(settled)) return settled;
    const then = this.#carryingOut.get(settled);
    this.#carryingOut.delete(settled);
    then?.(settled);
    this.#ring(settled as Deadline);
    this.#hear(settled);
    return undefined;
  }

  #ring(deadline: Deadline): void {
    const act = this.#deadlines.get(deadline);
    this.#deadlines.delete(deadline);
    act?.();
  }

  #hear(task: Task): void {
    const listener = this.#listeners.get(task);
    if (listener === undefined) return;
    this.#listeners.delete(task);
    this.on(listener.event, listener.react);
    listener.react(task.result);
  }

  #requestCancel(named: readonly string[]): void {
    const remaining = this.#remaining();
    const databases = named.filter((database) => remaining.includes(database));
    // Announced, a cancel of nothing would never be over.
    if (databases.length === 0) return;
    for (const database of databases) this.#canceled.add(database);
    this.alongside(start(this.#context, "requestCancel", { key: this.#spec.key, databases }));
    if (this.#announce !== undefined) this.alongside(this.#announce(databases));
  }
}

/** What is to be migrated has been changed while the migration was held: it begins anew with that. */
export class Outdated extends Error {}

/** The number of the specification that an event is about; that of `otherwise` when an operator who raised it by hand gave none. */
export function specificationIn(event: unknown, otherwise: number): number {
  const given =
    typeof event === "object" && event !== null && "specification" in event ? event.specification : undefined;
  return typeof given === "number" ? given : otherwise;
}

/**
 * The event's `{databases?: string[]}`: those named, or all. An operator may raise it by hand, and a cutover cannot be taken back: one name alone is
 * taken for a list, and anything else that stands there names none.
 */
export function databasesNamed(event: unknown, all: readonly string[]): readonly string[] {
  const given = typeof event === "object" && event !== null && "databases" in event ? event.databases : undefined;
  if (given === undefined || given === null) return all;
  const named: readonly unknown[] = Array.isArray(given) ? given : [given];
  return Array.isArray(given) && named.length === 0 ? all : all.filter((database) => named.includes(database));
}
