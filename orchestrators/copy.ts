/** Copying one round of a database: a bounded window of copy tasks, and the indexes of every table as soon as its parts are in. */

import type { OrchestrationContext, Task } from "durable-functions";
import * as df from "durable-functions";
import type { Failure } from "../shared/model/outcome.js";
import type { CopyRound, DatabaseRun, IndexJob, Limits } from "../shared/model/steps.js";
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
      );
      copying.settle(yield* race(context, copying.running));
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
  readonly #unfinished: Set<number>;
  readonly #copies = new Map<Task, number>();
  readonly #builds = new Map<Task, IndexJob>();
  #failure: Failure | undefined;

  constructor(plan: CopyRound, limits: Limits) {
    this.#limits = limits;
    this.#queuedTasks = [...plan.tasks];
    this.#queuedJobs = [...plan.jobs];
    this.#unfinished = new Set(plan.tasks);
  }

  get failure(): Failure | undefined {
    return this.#failure;
  }

  get hasWork(): boolean {
    const queued = this.#failure === undefined ? this.#queuedTasks.length + this.#queuedJobs.length : 0;
    return this.running.length + queued > 0;
  }

  get running(): Task[] {
    return [...this.#copies.keys(), ...this.#builds.keys()];
  }

  fill(copy: (task: number) => Task, build: (job: number) => Task): void {
    if (this.#failure !== undefined) return;
    while (this.#copies.size < this.#limits.maxParallelCopies) {
      const task = this.#queuedTasks.shift();
      if (task === undefined) break;
      this.#copies.set(copy(task), task);
    }
    while (this.#builds.size < this.#limits.maxParallelIndexBuilds) {
      const ready = this.#queuedJobs.findIndex(({ after }) => !after.some((task) => this.#unfinished.has(task)));
      const [job] = ready === -1 ? [] : this.#queuedJobs.splice(ready, 1);
      if (job === undefined) break;
      this.#builds.set(build(job.job), job);
    }
  }

  settle(task: Task): void {
    const copied = this.#copies.get(task);
    const built = this.#builds.get(task);
    this.#copies.delete(task);
    this.#builds.delete(task);
    try {
      if (copied !== undefined) {
        const { done, failure } = resultOf<"copyTask">(task);
        this.#failure ??= failure;
        if (done) this.#unfinished.delete(copied);
        else this.#queuedTasks.unshift(copied);
      }
      // A build that goes on in the server is attached to again.
      if (built !== undefined && !resultOf<"applyJob">(task).done) this.#queuedJobs.unshift(built);
    } catch (error) {
      this.#failure ??= failureOf(error);
    }
  }
}
