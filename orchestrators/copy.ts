/** Copying one round of a database: a bounded window of copy tasks; the proof and the indexes of every table as soon as its parts are in. */

import type { OrchestrationContext, Task } from "durable-functions";
import * as df from "durable-functions";
import type { Failure } from "../shared/model/outcome.js";
import type { CopyRound, DatabaseRun, IndexJob, Limits, ProofTask } from "../shared/model/steps.js";
import { FairWindow } from "./fair-window.js";
import { race } from "./race.js";
import { carryOut, failureOf, resultOf, start } from "./step.js";

export interface CopyInput {
  readonly run: DatabaseRun;
  readonly round: number;
  readonly limits: Limits;
}

df.app.orchestration("copy", function* (context: OrchestrationContext): Generator<Task, Failure | null, unknown> {
  const { run, round, limits } = context.df.getInput<CopyInput>() as CopyInput;
  try {
    const plan: CopyRound = yield* carryOut(context, "readRound", { ...run, round });
    const copying = new CopyWindow(plan, limits);
    while (copying.hasWork) {
      copying.fill(
        (task) => start(context, "copyTask", { ...run, task }),
        (job) => start(context, "applyJob", { ...run, job }),
        (task) => start(context, "proveTask", { ...run, task }),
      );
      if (copying.running.length === 0) yield* copying.pause(context);
      else copying.settle(yield* race(context, copying.running));
    }
    return copying.failure ?? null;
  } catch (error) {
    return failureOf(error);
  }
});

/** What is running, what may start, and what has to wait for it. After the first failure nothing new starts. */
class CopyWindow {
  readonly #limits: Limits;
  readonly #queuedTasks: number[];
  readonly #queuedJobs: IndexJob[];
  readonly #queuedProofs: ProofTask[];
  readonly #unfinished: Set<number>;
  readonly #copies = new Map<Task, number>();
  readonly #builds = new Map<Task, IndexJob>();
  readonly #proofs = new Map<Task, ProofTask>();
  readonly #fair = new FairWindow();
  #failure: Failure | undefined;

  constructor(plan: CopyRound, limits: Limits) {
    this.#limits = limits;
    this.#queuedTasks = [...plan.tasks];
    this.#queuedJobs = [...plan.jobs];
    this.#queuedProofs = [...plan.proofs];
    this.#unfinished = new Set(plan.tasks);
  }

  get failure(): Failure | undefined {
    return this.#failure;
  }

  get hasWork(): boolean {
    const queued = [...this.#queuedTasks, ...this.#queuedJobs, ...this.#queuedProofs].length;
    return this.running.length > 0 || (this.#failure === undefined && queued > 0);
  }

  get running(): Task[] {
    return [...this.#copies.keys(), ...this.#builds.keys(), ...this.#proofs.keys()];
  }

  /** Everything has stepped aside. */
  pause(context: OrchestrationContext): Generator<Task, void, unknown> {
    return this.#fair.pause(context);
  }

  /** A proof reads from both servers as a copy does: they share a window, in which what is still to be copied goes first. */
  fill(copy: (task: number) => Task, build: (job: number) => Task, prove: (task: number) => Task): void {
    if (this.#failure !== undefined) return;
    while (this.#hasRoom && this.#copies.size + this.#proofs.size < this.#limits.maxParallelCopies) {
      const task = this.#queuedTasks.shift();
      if (task === undefined) break;
      this.#copies.set(copy(task), task);
    }
    while (this.#hasRoom && this.#copies.size + this.#proofs.size < this.#limits.maxParallelCopies) {
      const proof = this.#takeReady(this.#queuedProofs);
      if (proof === undefined) break;
      this.#proofs.set(prove(proof.task), proof);
    }
    while (this.#hasRoom && this.#builds.size < this.#limits.maxParallelIndexBuilds) {
      const job = this.#takeReady(this.#queuedJobs);
      if (job === undefined) break;
      this.#builds.set(build(job.job), job);
    }
  }

  get #hasRoom(): boolean {
    return this.#fair.hasRoom(this.#copies.size + this.#builds.size + this.#proofs.size);
  }

  #takeReady<T extends { readonly after: readonly number[] }>(queue: T[]): T | undefined {
    const ready = queue.findIndex(({ after }) => !after.some((task) => this.#unfinished.has(task)));
    return ready === -1 ? undefined : queue.splice(ready, 1)[0];
  }

  settle(task: Task): void {
    const copied = this.#copies.get(task);
    const built = this.#builds.get(task);
    this.#copies.delete(task);
    const proven = this.#proofs.get(task);
    this.#builds.delete(task);
    this.#proofs.delete(task);
    try {
      if (copied !== undefined) {
        const { done, failure, busy } = resultOf<"copyTask">(task);
        this.#note(busy);
        this.#failure ??= failure;
        if (done) this.#unfinished.delete(copied);
        else this.#queuedTasks.unshift(copied);
      }
      if (proven !== undefined) {
        const { done, busy } = resultOf<"proveTask">(task);
        this.#note(busy);
        if (!done) this.#queuedProofs.unshift(proven);
      }
      if (built !== undefined) {
        const { done, busy } = resultOf<"applyJob">(task);
        this.#note(busy);
        // A build that goes on in the server is attached to again.
        if (!done) this.#queuedJobs.unshift(built);
      }
    } catch (error) {
      this.#failure ??= failureOf(error);
    }
  }

  #note(busy: true | undefined): void {
    if (busy === undefined) this.#fair.foundPlace();
    else this.#fair.steppedAside(this.running.length);
  }
}
