import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../log.js";
import type { ActiveOrchestrations } from "./active-orchestrations.js";
import type { Consequences } from "./consequences.js";
import { executionStarted } from "./execution-events.js";
import type { FunctionRunner } from "./function-runner.js";
import { createsTask, type HistoryEvent } from "./history-event.js";
import { type InstanceRecord, isTerminal } from "./instance-record.js";
import { LOG_CATEGORY } from "./log-category.js";
import type { Orchestration } from "./orchestration.js";
import type { TaskLimits } from "./replay.js";
import type { DurableStore } from "./store.js";
import {
  abandonedTurn,
  beginTurn,
  endTurn,
  suspendedTurn,
  type TurnEnd,
  type TurnStart,
  terminatedTurn,
  triggerInput,
} from "./turn.js";

export interface TurnTakingOptions {
  store: DurableStore;
  runner: FunctionRunner;
  log: Log;
  active: ActiveOrchestrations;
  consequences: Consequences;
  limits: TaskLimits;
  /** From then on no turn begins. */
  stopping: AbortSignal;
}

/** Gives every orchestration that has something in its inbox its turns, one at a time, and stores each before acting on it. */
export class TurnTaking {
  readonly #options: TurnTakingOptions;
  readonly #underWay = new Set<Promise<void>>();

  constructor(options: TurnTakingOptions) {
    this.#options = options;
  }

  /** Begins a turn, unless one is under way or there is nothing to begin it for. */
  wake(orchestration: Orchestration): void {
    const { log, active, stopping } = this.#options;
    if (orchestration.busy || stopping.aborted || orchestration.inbox.length === 0) {
      return;
    }
    // What reached an orchestration in its last turn stays unread. Taking turns with it would begin, and end at once, for ever.
    if (!active.has(orchestration)) {
      return;
    }
    orchestration.busy = true;
    const turns = this.#takeTurns(orchestration)
      .catch((error: unknown) => {
        const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
        log.error(LOG_CATEGORY, `${orchestration.record.instanceId}: ${text}`);
      })
      .finally(() => {
        orchestration.busy = false;
        this.#underWay.delete(turns);
        this.wake(orchestration);
      });
    this.#underWay.add(turns);
  }

  /** Waits for the turns that are under way. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  async #takeTurns(orchestration: Orchestration): Promise<void> {
    const { log, active, stopping } = this.#options;
    while (orchestration.inbox.length > 0 && !stopping.aborted && active.has(orchestration)) {
      const pending = orchestration.inbox.splice(0);
      try {
        const start = beginTurn(orchestration, pending);
        const end = await this.#run(orchestration, start);
        if (end === undefined) {
          orchestration.inbox.unshift(...pending);
          return;
        }
        await this.#commit(orchestration, start, end, pending);
      } catch (error) {
        // Storage did not answer: the turn has not happened. Try again from what is stored.
        orchestration.inbox.unshift(...pending);
        log.warn(
          LOG_CATEGORY,
          `${orchestration.record.instanceId}: ${error instanceof Error ? error.message : error}; trying again.`,
        );
        await sleep(500);
      }
    }
  }

  /** Undefined when the host stops before the orchestrator function has answered. */
  async #run(orchestration: Orchestration, start: TurnStart): Promise<TurnEnd | undefined> {
    const { runner, limits } = this.#options;
    const { record, history } = orchestration;
    if (start.terminated !== undefined) {
      return terminatedTurn(start, start.terminated.reason, history.length);
    }
    if (start.suspended) {
      return suspendedTurn(start);
    }
    const run = await runner.orchestrator(record.instanceId, record.name, triggerInput(orchestration, start, limits));
    switch (run.kind) {
      case "succeeded":
      case "failed":
        return endTurn(orchestration, start, run, (kind, name) => runner.knows(kind, name), limits);
      case "impossible":
        return abandonedTurn(record, start, run.reason, history.length);
      case "stopped":
        return undefined;
    }
  }

  async #commit(
    orchestration: Orchestration,
    start: TurnStart,
    end: TurnEnd,
    pending: readonly HistoryEvent[],
  ): Promise<void> {
    const { store, log, active, consequences } = this.#options;
    const { record } = orchestration;
    const now = new Date();
    const next: InstanceRecord = {
      ...record,
      lastUpdatedTime: now,
      runtimeStatus: end.status,
      output: end.output ?? record.output,
      customStatus: end.customStatus ?? record.customStatus,
      completedTime: isTerminal(end.status) ? now : undefined,
    };
    if (end.continueAsNew !== undefined) {
      next.executionId = randomUUID().replaceAll("-", "");
      next.generation++;
      next.input = end.continueAsNew.input;
      next.historyLength = 0;
      await store.put(next);
      orchestration.clearTimers();
      orchestration.history = [];
      // What the old execution waited for does not concern the new one; what clients sent does.
      const messages = orchestration.inbox.filter(({ MessageId }) => MessageId !== undefined);
      orchestration.inbox.splice(0, orchestration.inbox.length, executionStarted(next), ...messages);
    } else {
      const events = [...start.events, ...end.events];
      await store.append(record, events);
      next.historyLength += events.length;
      await store.put(next);
      orchestration.history.push(...events);
    }
    orchestration.record = next;
    if (isTerminal(end.status)) {
      active.remove(orchestration);
    }
    const taken = pending.flatMap(({ MessageId }) => (MessageId === undefined ? [] : [MessageId]));
    await store.removeMessages(next.instanceId, taken).catch((error: unknown) => {
      log.debug(LOG_CATEGORY, `Messages were not removed: ${error}`);
    });
    // The turn has happened: what follows from it must happen too, however long storage takes.
    if (isTerminal(end.status)) {
      await consequences.ofEnd(next, end);
    } else {
      await consequences.ofTasks(orchestration, end.events.filter(createsTask));
    }
  }
}
