import { setTimeout as sleep } from "node:timers/promises";
import type { Outcome } from "../instances/instance.js";
import type { Pool } from "../instances/pool.js";
import type { Log } from "../log.js";
import type { NamedData } from "../worker/protocol.js";
import { activityFailure, activityLost, activityTimeout, type Failure } from "./failure.js";
import { LOG_CATEGORY } from "./log-category.js";
import type { FunctionKind } from "./replay.js";

/** An activity or a turn whose worker dies this often is given up: it is probably what kills them. */
const MAX_DEATHS = 5;
const FIRST_WAIT_MS = 100;

/** A durable function: its trigger's binding name and what it gets beside the trigger. */
export interface DurableFunction {
  /** As the app registered it; callers may write it in another case. */
  name: string;
  bindingName: string;
  extraInputs: NamedData[];
}

/** How an orchestrator function's turn ended. Stopped: the host stopped before it had answered. */
export type OrchestratorRun =
  | Extract<Outcome, { kind: "succeeded" | "failed" }>
  | { kind: "impossible"; reason: string }
  | { kind: "stopped" };

export interface FunctionRunnerOptions {
  pool: Pool;
  log: Log;
  find(kind: FunctionKind, name: string): DurableFunction | undefined;
}

/** Runs activities and orchestrator functions, and runs them again when their worker dies under them. */
export class FunctionRunner {
  readonly #options: FunctionRunnerOptions;
  #stopping = false;

  constructor(options: FunctionRunnerOptions) {
    this.#options = options;
  }

  /** From now on what is lost with its worker is not run again. */
  stop(): void {
    this.#stopping = true;
  }

  knows(kind: FunctionKind, name: string): boolean {
    return this.#options.find(kind, name) !== undefined;
  }

  /**
   * @param inputs JSON of an array of one, as the history has it
   * @returns the result's JSON, or the failure; undefined when the host stops first
   */
  async activity(instanceId: string, name: string, inputs: string): Promise<string | Failure | undefined> {
    const found = this.#options.find("activity", name);
    if (found === undefined) {
      const Reason = `The function '${name}' doesn't exist, is disabled, or is not an activity function.`;
      return { Reason, Details: "" };
    }
    const [input] = JSON.parse(inputs) as unknown[];
    // A string goes as it is, and the programming model parses it: durable-functions has made JSON of it.
    // The host makes .NET's text of a Boolean.
    const data = typeof input === "boolean" ? { string: input ? "True" : "False" } : typedInput(input);
    const outcome = await this.#untilAlive(instanceId, () =>
      this.#options.pool.invoke(
        {
          functionName: found.name,
          inputData: [{ name: found.bindingName, data }, ...found.extraInputs],
          triggerMetadata: { instanceId: { string: instanceId } },
        },
        "activity",
      ),
    );
    switch (outcome?.kind) {
      case "succeeded": {
        const value = outcome.response.returnValue;
        return value?.json ?? JSON.stringify(value?.string ?? value?.int ?? value?.double ?? base64(value?.bytes));
      }
      case "failed":
        return activityFailure(name, outcome.error);
      case "timedOut":
        return activityTimeout(name, outcome.limitMs);
      case "lost":
        return activityLost(name, MAX_DEATHS);
      case undefined:
        return undefined;
    }
  }

  /** @param input JSON of the orchestration trigger's input */
  async orchestrator(instanceId: string, name: string, input: string): Promise<OrchestratorRun> {
    const found = this.#options.find("orchestrator", name);
    if (found === undefined) {
      return {
        kind: "impossible",
        reason: `The function '${name}' doesn't exist, is disabled, or is not an orchestrator function.`,
      };
    }
    const data = { string: input };
    const outcome = await this.#untilAlive(instanceId, () =>
      this.#options.pool.invoke(
        {
          functionName: found.name,
          inputData: [{ name: found.bindingName, data }, ...found.extraInputs],
          triggerMetadata: {},
        },
        "orchestrator",
      ),
    );
    switch (outcome?.kind) {
      case "succeeded":
      case "failed":
        return outcome;
      case "timedOut":
        return { kind: "impossible", reason: "one turn of it took longer than functionTimeout." };
      case "lost":
        return { kind: "impossible", reason: `its worker process died ${MAX_DEATHS} times in one turn.` };
      case undefined:
        return { kind: "stopped" };
    }
  }

  /** Undefined when the host stops; lost only after the last attempt. */
  async #untilAlive(instanceId: string, invoke: () => Promise<Outcome>): Promise<Outcome | undefined> {
    for (let deaths = 0; ; ) {
      const outcome = await invoke();
      if (outcome.kind !== "lost") {
        return outcome;
      }
      if (this.#stopping) {
        return undefined;
      }
      deaths++;
      if (deaths === MAX_DEATHS) {
        return outcome;
      }
      this.#options.log.warn(
        LOG_CATEGORY,
        `${instanceId}: work is delivered again, ${outcome.instance} died under it (${deaths} of ${MAX_DEATHS}).`,
      );
      await sleep(deaths === 1 ? 0 : FIRST_WAIT_MS * 2 ** deaths);
    }
  }
}

function typedInput(input: unknown): NamedData["data"] {
  return typeof input === "string" ? { string: input } : { json: JSON.stringify(input ?? null) };
}

/** The host hands bytes on as base64 text. */
function base64(bytes: Uint8Array | undefined): string | null {
  return bytes === undefined ? null : Buffer.from(bytes).toString("base64");
}
