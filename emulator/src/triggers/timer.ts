import type { Pool } from "../instances/pool.js";
import type { Log } from "../log.js";
import type { InvocationResponse, NamedData } from "../worker/protocol.js";
import { parseSchedule, type Schedule } from "./ncrontab.js";

export interface TimerTriggerOptions {
  functionName: string;
  bindingName: string;
  schedule: string;
  runOnStartup: boolean;
  extraInputs: NamedData[];
  pool: Pool;
  log: Log;
  writeOutputs: (functionName: string, response: InvocationResponse) => Promise<void>;
}

/** Runs a function on a schedule; a run that lasts past its next time is not overlapped by another. */
export class TimerTrigger {
  readonly #options: TimerTriggerOptions;
  readonly #schedule: Schedule;
  #timer: NodeJS.Timeout | undefined;
  #last: Date | undefined;
  #stopped = false;

  /** @throws Error when the schedule is none. */
  constructor(options: TimerTriggerOptions) {
    this.#options = options;
    this.#schedule = parseSchedule(options.schedule);
  }

  start(): void {
    if (this.#options.runOnStartup) {
      void this.#run(new Date());
    } else {
      this.#arm(this.#schedule.next(new Date()));
    }
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #arm(due: Date): void {
    if (this.#stopped) {
      return;
    }
    // Longer waits than Node's timeouts can hold are waited for in pieces.
    const delay = Math.min(Math.max(0, due.getTime() - Date.now()), 2 ** 31 - 1);
    this.#timer = setTimeout(() => {
      if (Date.now() < due.getTime()) {
        this.#arm(due);
      } else {
        void this.#run(due);
      }
    }, delay);
  }

  async #run(due: Date): Promise<void> {
    const { functionName, bindingName, extraInputs, pool, writeOutputs, log } = this.#options;
    const next = this.#schedule.next(new Date());
    const timer = {
      Schedule: { AdjustForDST: true },
      ScheduleStatus: {
        Last: (this.#last ?? new Date(0)).toISOString(),
        LastUpdated: (this.#last ?? new Date()).toISOString(),
        Next: next.toISOString(),
      },
      IsPastDue: Date.now() - due.getTime() > 1_000,
    };
    this.#last = due;
    const outcome = await pool.invoke(
      {
        functionName,
        inputData: [{ name: bindingName, data: { json: JSON.stringify(timer) } }, ...extraInputs],
        triggerMetadata: {},
      },
      "other",
    );
    if (outcome.kind === "succeeded") {
      await writeOutputs(functionName, outcome.response).catch((error: unknown) => {
        log.error(
          `Function.${functionName}`,
          `The output was not written: ${error instanceof Error ? error.message : error}`,
        );
      });
    }
    this.#arm(this.#schedule.next(new Date()));
  }
}
