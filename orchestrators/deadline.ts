/**
 * A point in time, however far away, as a chain of short timers.
 *
 * A long timer of durable-functions (above maximumShortTimerDuration, 6 days) is made of legs, each a task: while one is pending
 * the extension takes every other timer for one of legs too, and one that is cancelled after its first leg is replayed with one
 * leg only. Either ends an orchestration as non-deterministic. Here each timer is the orchestrator's own, and none is long.
 */
import type { OrchestrationContext, Task } from "durable-functions";

type Timer = ReturnType<OrchestrationContext["df"]["createTimer"]>;

/** Durable's timers may fire up to a second early: the delays of its queue messages are whole seconds. */
const earliestMs = 1_000;

/** Looks like a task, and settles when the time has come. To be awaited with race(). */
export class Deadline implements Task {
  readonly result = undefined;
  readonly isFaulted = false;
  readonly #context: OrchestrationContext;
  readonly #at: number;
  readonly #longestMs: number;
  #timer: Timer | undefined;
  #canceled = false;

  /** @param longestTimerSeconds no timer of the chain is longer */
  constructor(context: OrchestrationContext, at: Date, longestTimerSeconds: number) {
    this.#context = context;
    this.#at = at.getTime();
    this.#longestMs = longestTimerSeconds * 1_000;
  }

  /** @returns the point in time that is so many seconds away by the orchestrator's clock */
  static in(context: OrchestrationContext, seconds: number, longestTimerSeconds: number): Deadline {
    const now = context.df.currentUtcDateTime.getTime();
    return new Deadline(context, new Date(now + Math.round(seconds * 1_000)), longestTimerSeconds);
  }

  /** The timer that runs now; undefined before goOn(). */
  get current(): Task | undefined {
    return this.#timer;
  }

  get isCompleted(): boolean {
    return this.#timer?.isCompleted === true && this.#now >= this.#at - earliestMs;
  }

  /** Whether goOn() would create a timer. */
  get needsTimer(): boolean {
    return !this.#canceled && !this.isCompleted && (this.#timer === undefined || this.#timer.isCompleted);
  }

  goOn(): void {
    if (!this.needsTimer) return;
    this.#timer = this.#context.df.createTimer(new Date(Math.min(this.#at, this.#now + this.#longestMs)));
  }

  /** An orchestration cannot complete while a timer of its own runs. */
  cancel(): void {
    this.#canceled = true;
    if (this.#timer !== undefined && !this.#timer.isCompleted) this.#timer.cancel();
  }

  get #now(): number {
    return this.#context.df.currentUtcDateTime.getTime();
  }
}
