/**
 * An activity that the orchestration itself tries again.
 *
 * Durable's own retries (callActivityWithRetry) create tasks at the moment when an attempt fails. Beside race(), whose actions the host
 * takes for complete as soon as it replays them, a task created then would get another number in a replay than it had at first, and the
 * host would find the orchestration non-deterministic. Whatever is raced is therefore retried by tasks of the orchestrator's own: their
 * order is the order of its actions, always.
 */
import type { OrchestrationContext, Task } from "durable-functions";
import { isOfPlatform } from "../shared/model/outcome.js";

export interface RetryLimits {
  /** Attempts in all; those that a fault of the platform has thrown off have no limit. */
  readonly attempts: number;
  /** Milliseconds before the second attempt; doubled before each further one. */
  readonly firstWait: number;
  /** Milliseconds between two attempts at most. */
  readonly longestWait: number;
}

/** Looks like a task, and settles when an attempt has succeeded or the last one has failed. */
export class Retried implements Task {
  readonly #context: OrchestrationContext;
  readonly #call: () => Task;
  readonly #limits: RetryLimits;
  #current: Task;
  #failures = 0;
  #waiting = false;

  /** @param call makes a new attempt */
  constructor(context: OrchestrationContext, call: () => Task, limits: RetryLimits) {
    this.#context = context;
    this.#call = call;
    this.#limits = limits;
    this.#current = call();
  }

  /** The attempt that is under way, or the wait for the next one. */
  get current(): Task {
    return this.#current;
  }

  get isFaulted(): boolean {
    return !this.#waiting && this.#current.isFaulted && !this.#mayTryAgain;
  }

  get isCompleted(): boolean {
    return !this.#waiting && this.#current.isCompleted && (!this.#current.isFaulted || !this.#mayTryAgain);
  }

  get result(): unknown {
    return this.#current.result;
  }

  /** Whether goOn() would create a timer. */
  get needsTimer(): boolean {
    return !this.#waiting && this.#current.isFaulted && this.#mayTryAgain;
  }

  /** Takes the next step when the current one has settled: a wait after a failure, an attempt after a wait. */
  goOn(): void {
    if (this.#waiting && this.#current.isCompleted) {
      this.#waiting = false;
      this.#current = this.#call();
    } else if (this.needsTimer) {
      const wait = Math.min(this.#limits.firstWait * 2 ** this.#failures, this.#limits.longestWait);
      this.#failures += 1;
      this.#waiting = true;
      this.#current = this.#context.df.createTimer(new Date(this.#context.df.currentUtcDateTime.getTime() + wait));
    }
  }

  get #mayTryAgain(): boolean {
    return this.#failures + 1 < this.#limits.attempts || isOfPlatform(this.#current.result);
  }
}
