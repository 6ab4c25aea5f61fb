/**
 * How many long steps an orchestration may have at once: fewer when one of them has had to step aside because its instance had no place for it
 * (shared/run/long-steps.ts), and more again, one by one, as long as they find places.
 */
import type { OrchestrationContext, Task } from "durable-functions";
import { Deadline } from "./deadline.js";
import { race } from "./race.js";

/** Steps that found their places before one more is tried: a step that has to step aside is three events in the history. */
const successesForMore = 4;

/** Seconds before the only step is tried again: the first time, and at most. */
const firstWait = 1;
const longestWait = 15;

export class FairWindow {
  #allowed = Number.POSITIVE_INFINITY;
  #successes = 0;
  #wait = firstWait;
  #mustPause = false;

  /** Whether another step may be started beside so many. */
  hasRoom(running: number): boolean {
    return !this.#mustPause && running < this.#allowed;
  }

  /** A step has been carried out, or as far as its budget reached. */
  foundPlace(): void {
    this.#wait = firstWait;
    this.#successes += 1;
    if (this.#successes % successesForMore === 0) this.#allowed += 1;
  }

  /** A step has stepped aside; so many others are still running. */
  steppedAside(others: number): void {
    this.#successes = 0;
    this.#allowed = Math.max(1, others);
    // Else the end of one of them is when to try again.
    if (others === 0) this.#mustPause = true;
  }

  /** Waits before the only step is tried again: nothing of ours is running whose end would make room. */
  *pause(context: OrchestrationContext): Generator<Task, void, unknown> {
    yield* race<Task>(context, [Deadline.in(context, this.#wait, longestWait)]);
    this.#wait = Math.min(this.#wait * 2, longestWait);
    this.#mustPause = false;
  }
}
