import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../log.js";
import type { FunctionMetadata, InvocationRequest } from "../worker/protocol.js";
import { Instance, type InstanceOptions, type Kind, type Outcome } from "./instance.js";

const MAX_BACKOFF_MS = 10_000;

export interface PoolOptions extends Omit<InstanceOptions, "number"> {
  instances: number;
  maxConcurrentActivities: number;
  maxConcurrentOrchestrators: number;
  log: Log;
}

interface Waiting {
  request: InvocationRequest;
  kind: Kind;
  resolve: (outcome: Outcome) => void;
}

/** The instances of the app, and which of them gets the next piece of work. */
export class Pool {
  readonly #options: PoolOptions;
  readonly #instances: Instance[] = [];
  readonly #waiting: Waiting[] = [];
  #nextFirst = 0;
  #stopping = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /**
   * Starts every instance.
   * @returns what the app registered, as the first instance tells it
   * @throws Error when the app does not load
   */
  async start(): Promise<FunctionMetadata[]> {
    const first = Array.from({ length: this.#options.instances }, (_, index) => this.#start(index));
    const [functions] = await Promise.all(first.map((instance) => instance.functions));
    first.forEach((instance, index) => {
      void this.#watch(instance, index, 0);
    });
    return functions ?? [];
  }

  /** Runs a function on the least loaded instance that has room for its kind; waits for room first. Never rejects. */
  invoke(request: Omit<InvocationRequest, "invocationId">, kind: Kind): Promise<Outcome> {
    if (this.#stopping) {
      return Promise.resolve({ kind: "lost", instance: "none" });
    }
    return new Promise((resolve) => {
      this.#waiting.push({ request: { ...request, invocationId: randomUUID() }, kind, resolve });
      this.#dispatch();
    });
  }

  /** Takes no more work, waits up to `graceMs` for what runs, then ends every worker. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    for (const { resolve } of this.#waiting.splice(0)) {
      resolve({ kind: "lost", instance: "none" });
    }
    const deadline = Date.now() + graceMs;
    while (this.#instances.some((instance) => instance.load > 0) && Date.now() < deadline) {
      await sleep(20);
    }
    await Promise.all(this.#instances.map((instance) => instance.stop(Math.max(250, deadline - Date.now()))));
  }

  #start(index: number): Instance {
    const instance = new Instance({ ...this.#options, number: index + 1 });
    this.#instances[index] = instance;
    return instance;
  }

  /** Replaces the instance when it dies: at once, or later and later when it keeps dying before it has loaded the app. */
  async #watch(instance: Instance, index: number, failedStarts: number): Promise<void> {
    await instance.exited;
    if (failedStarts > 1 && !this.#stopping) {
      await sleep(Math.min(MAX_BACKOFF_MS, 250 * 2 ** failedStarts));
    }
    if (this.#stopping) {
      return;
    }
    const replacement = this.#start(index);
    this.#options.log.info("Host", `${replacement.id} replaces ${instance.id}.`);
    try {
      await replacement.functions;
      void this.#watch(replacement, index, 0);
      this.#dispatch();
    } catch (error) {
      this.#options.log.error("Host", `${replacement.id}: ${error instanceof Error ? error.message : error}`);
      void this.#watch(replacement, index, failedStarts + 1);
    }
  }

  #dispatch(): void {
    // First come, first served within a kind; a kind that has no room does not hold up the others.
    const full = new Set<Kind>();
    for (let index = 0; index < this.#waiting.length; ) {
      const waiting = this.#waiting[index];
      const instance = waiting === undefined || full.has(waiting.kind) ? undefined : this.#leastLoaded(waiting.kind);
      if (waiting === undefined || instance === undefined) {
        if (waiting !== undefined) {
          full.add(waiting.kind);
        }
        index++;
        continue;
      }
      this.#waiting.splice(index, 1);
      void this.#run(instance, waiting);
    }
  }

  async #run(instance: Instance, { request, kind, resolve }: Waiting): Promise<void> {
    const category = `Function.${request.functionName}`;
    const { log } = this.#options;
    const startedAt = Date.now();
    log.write("information", category, `Executing (Id=${request.invocationId})`, instance.id);
    const outcome = await instance.invoke(request, kind);
    const took = `Id=${request.invocationId}, Duration=${Date.now() - startedAt}ms`;
    if (outcome.kind === "succeeded") {
      log.write("information", category, `Executed (Succeeded, ${took})`, instance.id);
    } else if (outcome.kind === "failed") {
      const message = outcome.error.message.split("\n\n$OutOfProcData$:")[0];
      log.write("error", category, `Executed (Failed, ${took}): ${message}`, instance.id);
      log.write("debug", category, outcome.error.stack, instance.id);
    } else if (outcome.kind === "lost") {
      log.write("warning", category, `Lost with its worker (${took})`, instance.id);
    }
    resolve(outcome);
    this.#dispatch();
  }

  #leastLoaded(kind: Kind): Instance | undefined {
    const limit =
      kind === "activity"
        ? this.#options.maxConcurrentActivities
        : kind === "orchestrator"
          ? this.#options.maxConcurrentOrchestrators
          : Number.POSITIVE_INFINITY;
    const count = this.#instances.length;
    let best: Instance | undefined;
    for (let offset = 0; offset < count; offset++) {
      const candidate = this.#instances[(this.#nextFirst + offset) % count];
      if (candidate?.ready !== true || candidate.running(kind) >= limit) {
        continue;
      }
      // Among its own kind first: a fan-out spreads evenly whatever else runs.
      if (
        best === undefined ||
        candidate.running(kind) < best.running(kind) ||
        (candidate.running(kind) === best.running(kind) && candidate.load < best.load)
      ) {
        best = candidate;
      }
    }
    this.#nextFirst = (this.#nextFirst + 1) % count;
    return best;
  }
}
