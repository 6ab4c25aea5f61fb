import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../log.js";
import type { ActiveOrchestrations } from "./active-orchestrations.js";
import { endOfChild } from "./execution-events.js";
import type { FunctionRunner } from "./function-runner.js";
import type { HistoryEvent } from "./history-event.js";
import { type InstanceRecord, isTerminal } from "./instance-record.js";
import { LOG_CATEGORY } from "./log-category.js";
import type { Orchestration } from "./orchestration.js";
import type { DurableStore } from "./store.js";
import type { TurnEnd } from "./turn.js";

export interface ConsequencesOptions {
  store: DurableStore;
  runner: FunctionRunner;
  log: Log;
  active: ActiveOrchestrations;
  /** Starts an orchestration, unless the instance ID is taken. */
  start(
    name: string,
    instanceId: string,
    input: string,
    parent: InstanceRecord["parent"],
  ): Promise<{ kind: "started" | "exists" }>;
  /** From then on nothing is tried again. */
  stopping: AbortSignal;
}

/** What follows from a turn that is stored: its tasks begin; after the last one the parent hears of it. */
export class Consequences {
  readonly #options: ConsequencesOptions;

  constructor(options: ConsequencesOptions) {
    this.#options = options;
  }

  /** Does what the history says was asked for: new tasks, or open ones after a restart. */
  async ofTasks(orchestration: Orchestration, tasks: readonly HistoryEvent[]): Promise<void> {
    const { instanceId, executionId } = orchestration.record;
    for (const task of tasks) {
      if (task.EventType === "TaskScheduled") {
        void this.#runActivity(instanceId, executionId, task);
      } else if (task.EventType === "TimerCreated") {
        orchestration.wakeAt(whenTimerFires(task), () =>
          this.#options.active.deliver(instanceId, executionId, {
            EventType: "TimerFired",
            EventId: -1,
            TimerId: task.EventId,
            Timestamp: new Date().toISOString(),
            ...(task.FireAt === undefined ? {} : { FireAt: task.FireAt }),
          }),
        );
      } else if (task.EventType === "SubOrchestrationInstanceCreated") {
        await this.#insist(() => this.#startChild(instanceId, executionId, task));
      }
    }
  }

  /** Tells the parent. What a terminated orchestration had started goes on. */
  async ofEnd(record: InstanceRecord, end: TurnEnd): Promise<void> {
    await this.#insist(() => this.#finish(record, end));
  }

  async #finish(record: InstanceRecord, end: TurnEnd): Promise<void> {
    const { log, active } = this.#options;
    log.write(
      end.status === "Completed" ? "information" : "warning",
      LOG_CATEGORY,
      `${record.name} ${record.instanceId}: ${end.status}${end.failure === undefined ? "" : `: ${end.failure.reason}`}`,
    );
    if (record.parent !== undefined) {
      active.deliver(record.parent.instanceId, record.parent.executionId, endOfChild(record, end.failure?.details));
    }
  }

  async #insist(work: () => Promise<void>): Promise<void> {
    while (!this.#options.stopping.aborted) {
      try {
        await work();
        return;
      } catch (error) {
        this.#options.log.warn(LOG_CATEGORY, `${error instanceof Error ? error.message : error}; trying again.`);
        await sleep(500);
      }
    }
  }

  async #startChild(instanceId: string, executionId: string, task: HistoryEvent): Promise<void> {
    const { store, active, start } = this.#options;
    const parent = { instanceId, executionId, taskId: task.EventId };
    const childId = task.InstanceId ?? "";
    const existing = await store.find(childId);
    const isOurs = existing?.parent?.executionId === executionId && existing.parent.taskId === task.EventId;
    if (existing !== undefined && isOurs && isTerminal(existing.runtimeStatus)) {
      // Ended without the parent having heard of it, before the host last stopped.
      active.deliver(instanceId, executionId, endOfChild(existing, ""));
      return;
    }
    // Started before the host last stopped. (A record alone is no start: storage may have taken it, and its answer been lost.)
    if (isOurs && active.find(childId) !== undefined) {
      return;
    }
    const started = await start(task.Name ?? "", childId, task.Input ?? "null", parent);
    if (started.kind === "exists") {
      active.deliver(instanceId, executionId, {
        EventType: "SubOrchestrationInstanceFailed",
        EventId: -1,
        TaskScheduledId: task.EventId,
        Timestamp: new Date().toISOString(),
        Reason: `An orchestration with the instance ID '${childId}' is already running.`,
        Details: "",
      });
    }
  }

  async #runActivity(instanceId: string, executionId: string, task: HistoryEvent): Promise<void> {
    const { runner, active } = this.#options;
    const result = await runner.activity(instanceId, task.Name ?? "", task.Input ?? "[null]");
    if (result === undefined) {
      return;
    }
    const common = { EventId: -1, TaskScheduledId: task.EventId, Timestamp: new Date().toISOString() };
    active.deliver(
      instanceId,
      executionId,
      typeof result === "string"
        ? { EventType: "TaskCompleted", ...common, Result: result }
        : { EventType: "TaskFailed", ...common, ...result },
    );
  }
}

/**
 * Up to a second before its time: in Azure Storage a timer is a queue message that is invisible for a whole number of seconds,
 * the fraction left away. Milliseconds since the epoch.
 */
function whenTimerFires({ FireAt = "" }: HistoryEvent): number {
  const now = Date.now();
  return now + Math.max(0, Math.floor((Date.parse(FireAt) - now) / 1000) * 1000);
}
