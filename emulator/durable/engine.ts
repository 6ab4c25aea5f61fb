import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../log.js";
import { endOfChild, executionStarted } from "./execution-events.js";
import type { FunctionRunner } from "./function-runner.js";
import { createsTask, type HistoryEvent } from "./history-event.js";
import { type InstanceRecord, isTerminal } from "./instance-record.js";
import { KeyedLock } from "./keyed-lock.js";
import { Orchestration } from "./orchestration.js";
import { type DurableStore, mayBeOverwritten } from "./store.js";
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

export interface EngineOptions {
  store: DurableStore;
  runner: FunctionRunner;
  log: Log;
}

export type StartResult = { kind: "started"; instanceId: string } | { kind: "exists"; instanceId: string };
export type SendResult = "sent" | "ended" | "unknown";

const CATEGORY = "Host.Triggers.DurableTask";

/**
 * The Durable engine. Every turn is stored before anything it asks for is done, so that after a crash the history says what
 * was under way: `recover` does it again. Activities therefore run at least once.
 */
export class Engine {
  readonly #store: DurableStore;
  readonly #runner: FunctionRunner;
  readonly #log: Log;
  readonly #active = new Map<string, Orchestration>();
  /** One start or purge of an instance at a time. */
  readonly #locks = new KeyedLock();
  readonly #turns = new Set<Promise<void>>();
  #messages = 0;
  #stopping = false;

  constructor({ store, runner, log }: EngineOptions) {
    this.#store = store;
    this.#runner = runner;
    this.#log = log;
  }

  /** Takes up what was running when the host last stopped. */
  async recover(): Promise<void> {
    const records = await this.#store.running();
    for (const record of records) {
      const orchestration = new Orchestration(record, await this.#store.history(record));
      this.#active.set(record.instanceId, orchestration);
      for (const message of await this.#store.messages(record.instanceId)) {
        orchestration.inbox.push(message);
      }
    }
    for (const orchestration of [...this.#active.values()]) {
      if (orchestration.history.length === 0) {
        orchestration.inbox.unshift(executionStarted(orchestration.record));
      }
      await this.#carryOut(orchestration, orchestration.openTasks());
      this.#wake(orchestration);
    }
    if (records.length > 0) {
      this.#log.info(CATEGORY, `${records.length} orchestrations go on.`);
    }
  }

  /**
   * Starts an orchestration.
   * @param input JSON
   * @throws Error when the app has no such orchestrator
   */
  async start(
    name: string,
    instanceId: string | undefined,
    input: string,
    parent?: InstanceRecord["parent"],
  ): Promise<StartResult> {
    if (!this.#runner.knows("orchestrator", name)) {
      throw new Error(`The function '${name}' doesn't exist, is disabled, or is not an orchestrator function.`);
    }
    const id = instanceId ?? randomUUID().replaceAll("-", "");
    return await this.#locks.run(id, async () => {
      const existing = await this.#store.find(id);
      if (!mayBeOverwritten(existing)) {
        return { kind: "exists", instanceId: id };
      }
      if (existing !== undefined) {
        await this.#store.remove(id);
      }
      const now = new Date();
      const record: InstanceRecord = {
        instanceId: id,
        executionId: randomUUID().replaceAll("-", ""),
        generation: 0,
        name,
        input,
        output: undefined,
        customStatus: undefined,
        runtimeStatus: "Pending",
        createdTime: now,
        lastUpdatedTime: now,
        completedTime: undefined,
        historyLength: 0,
        parent,
      };
      await this.#store.put(record);
      const orchestration = new Orchestration(record, []);
      this.#active.set(id, orchestration);
      orchestration.inbox.push(executionStarted(record));
      this.#wake(orchestration);
      return { kind: "started", instanceId: id };
    });
  }

  /** @param input JSON, or the empty string for none */
  async raiseEvent(instanceId: string, name: string, input: string): Promise<SendResult> {
    return await this.#send(instanceId, { EventType: "EventRaised", EventId: -1, Name: name, Input: input });
  }

  /** Ends the orchestration and its sub-orchestrations; activities that run go on, their results are dropped. */
  async terminate(instanceId: string, reason: string): Promise<SendResult> {
    return await this.#send(instanceId, { EventType: "ExecutionTerminated", EventId: -1, Reason: reason });
  }

  async suspend(instanceId: string, reason: string): Promise<SendResult> {
    return await this.#send(instanceId, { EventType: "ExecutionSuspended", EventId: -1, Reason: reason });
  }

  async resume(instanceId: string, reason: string): Promise<SendResult> {
    return await this.#send(instanceId, { EventType: "ExecutionResumed", EventId: -1, Reason: reason });
  }

  /** Removes an orchestration that has ended, with its history. One that runs stays. */
  async purge(instanceId: string): Promise<"purged" | "running" | "unknown"> {
    return await this.#locks.run(instanceId, async () => {
      const record = await this.#store.find(instanceId);
      if (record === undefined) {
        return "unknown";
      }
      if (!isTerminal(record.runtimeStatus)) {
        return "running";
      }
      await this.#store.remove(instanceId);
      return "purged";
    });
  }

  /** Begins no more turns. What still runs in workers may end; its results are kept for `flush`. */
  quiesce(): void {
    this.#stopping = true;
    this.#runner.stop();
    for (const orchestration of this.#active.values()) {
      orchestration.clearTimers();
    }
  }

  /** Waits for the turns under way and stores what no turn has taken up, so that the next start of the host repeats little. */
  async flush(): Promise<void> {
    await Promise.all(this.#turns);
    for (const { record, inbox } of this.#active.values()) {
      for (const event of inbox) {
        if (event.MessageId === undefined && event.EventType !== "ExecutionStarted") {
          await this.#store.putMessage(record.instanceId, this.#messageId(), event);
        }
      }
    }
  }

  async #send(instanceId: string, event: Omit<HistoryEvent, "Timestamp">): Promise<SendResult> {
    const orchestration = this.#active.get(instanceId);
    if (orchestration === undefined) {
      return (await this.#store.find(instanceId)) === undefined ? "unknown" : "ended";
    }
    const message: HistoryEvent = { ...event, Timestamp: new Date().toISOString(), MessageId: this.#messageId() };
    await this.#store.putMessage(instanceId, message.MessageId ?? "", message);
    this.#deliver(instanceId, undefined, message);
    return "sent";
  }

  /** Message ids sort by time, also those of one millisecond. */
  #messageId(): string {
    this.#messages = (this.#messages + 1) % 1_000_000;
    return `${new Date().toISOString()}-${String(this.#messages).padStart(6, "0")}`;
  }

  /** @param executionId which execution the event is for; undefined for any */
  #deliver(instanceId: string, executionId: string | undefined, event: HistoryEvent): void {
    const orchestration = this.#active.get(instanceId);
    if (
      orchestration === undefined ||
      (executionId !== undefined && orchestration.record.executionId !== executionId)
    ) {
      return;
    }
    orchestration.inbox.push(event);
    this.#wake(orchestration);
  }

  #wake(orchestration: Orchestration): void {
    if (orchestration.busy || this.#stopping || orchestration.inbox.length === 0) {
      return;
    }
    // What reached an orchestration in its last turn stays unread. Taking turns with it would begin, and end at once, for ever.
    if (this.#active.get(orchestration.record.instanceId) !== orchestration) {
      return;
    }
    orchestration.busy = true;
    const turns = this.#takeTurns(orchestration)
      .catch((error: unknown) => {
        const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
        this.#log.error(CATEGORY, `${orchestration.record.instanceId}: ${text}`);
      })
      .finally(() => {
        orchestration.busy = false;
        this.#turns.delete(turns);
        this.#wake(orchestration);
      });
    this.#turns.add(turns);
  }

  async #takeTurns(orchestration: Orchestration): Promise<void> {
    while (
      orchestration.inbox.length > 0 &&
      !this.#stopping &&
      this.#active.get(orchestration.record.instanceId) === orchestration
    ) {
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
        this.#log.warn(
          CATEGORY,
          `${orchestration.record.instanceId}: ${error instanceof Error ? error.message : error}; trying again.`,
        );
        await sleep(500);
      }
    }
  }

  /** Undefined when the host stops before the orchestrator function has answered. */
  async #run(orchestration: Orchestration, start: TurnStart): Promise<TurnEnd | undefined> {
    const { record, history } = orchestration;
    if (start.terminated !== undefined) {
      return terminatedTurn(start, start.terminated.reason, history.length);
    }
    if (start.suspended) {
      return suspendedTurn(start);
    }
    const run = await this.#runner.orchestrator(record.instanceId, record.name, triggerInput(orchestration, start));
    switch (run.kind) {
      case "succeeded":
      case "failed":
        return endTurn(orchestration, start, run, (kind, name) => this.#runner.knows(kind, name));
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
      await this.#store.put(next);
      orchestration.clearTimers();
      orchestration.history = [];
      // What the old execution waited for does not concern the new one; what clients sent does.
      const messages = orchestration.inbox.filter(({ MessageId }) => MessageId !== undefined);
      orchestration.inbox.splice(0, orchestration.inbox.length, executionStarted(next), ...messages);
    } else {
      const events = [...start.events, ...end.events];
      await this.#store.append(record, events);
      next.historyLength += events.length;
      await this.#store.put(next);
      orchestration.history.push(...events);
    }
    orchestration.record = next;
    if (isTerminal(end.status)) {
      this.#active.delete(next.instanceId);
      orchestration.clearTimers();
    }
    const taken = pending.flatMap(({ MessageId }) => (MessageId === undefined ? [] : [MessageId]));
    await this.#store.removeMessages(next.instanceId, taken).catch((error: unknown) => {
      this.#log.debug(CATEGORY, `Messages were not removed: ${error}`);
    });
    // The turn has happened: what follows from it must happen too, however long storage takes.
    if (isTerminal(end.status)) {
      await this.#insist(() => this.#finish(next, end));
    } else {
      await this.#carryOut(orchestration, end.events.filter(createsTask));
    }
  }

  async #insist(work: () => Promise<void>): Promise<void> {
    while (!this.#stopping) {
      try {
        await work();
        return;
      } catch (error) {
        this.#log.warn(CATEGORY, `${error instanceof Error ? error.message : error}; trying again.`);
        await sleep(500);
      }
    }
  }

  /** Tells the parent, and ends what a terminated orchestration had started. */
  async #finish(record: InstanceRecord, end: TurnEnd): Promise<void> {
    this.#log.write(
      end.status === "Completed" ? "information" : "warning",
      CATEGORY,
      `${record.name} ${record.instanceId}: ${end.status}${end.failure === undefined ? "" : `: ${end.failure.reason}`}`,
    );
    if (record.parent !== undefined) {
      this.#deliver(record.parent.instanceId, record.parent.executionId, endOfChild(record, end.failure?.details));
    }
    if (end.status === "Terminated") {
      for (const { record: child } of [...this.#active.values()]) {
        if (child.parent?.instanceId === record.instanceId && child.parent.executionId === record.executionId) {
          await this.terminate(child.instanceId, end.output ?? "");
        }
      }
    }
  }

  /** Does what the history says was asked for: new tasks, or open ones after a restart. */
  async #carryOut(orchestration: Orchestration, tasks: readonly HistoryEvent[]): Promise<void> {
    const { instanceId, executionId } = orchestration.record;
    for (const task of tasks) {
      if (task.EventType === "TaskScheduled") {
        void this.#runActivity(instanceId, executionId, task);
      } else if (task.EventType === "TimerCreated") {
        orchestration.wakeAt(Date.parse(task.FireAt ?? ""), () =>
          this.#deliver(instanceId, executionId, {
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

  async #startChild(instanceId: string, executionId: string, task: HistoryEvent): Promise<void> {
    const parent = { instanceId, executionId, taskId: task.EventId };
    const childId = task.InstanceId ?? "";
    const existing = await this.#store.find(childId);
    const isOurs = existing?.parent?.executionId === executionId && existing.parent.taskId === task.EventId;
    if (existing !== undefined && isOurs) {
      // Started before the host last stopped: running on its own, or ended without the parent having heard of it.
      if (isTerminal(existing.runtimeStatus)) {
        this.#deliver(instanceId, executionId, endOfChild(existing, ""));
      }
      return;
    }
    const started = await this.start(task.Name ?? "", childId, task.Input ?? "null", parent);
    if (started.kind === "exists") {
      this.#deliver(instanceId, executionId, {
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
    const result = await this.#runner.activity(instanceId, task.Name ?? "", task.Input ?? "[null]");
    if (result === undefined) {
      return;
    }
    const common = { EventId: -1, TaskScheduledId: task.EventId, Timestamp: new Date().toISOString() };
    this.#deliver(
      instanceId,
      executionId,
      typeof result === "string"
        ? { EventType: "TaskCompleted", ...common, Result: result }
        : { EventType: "TaskFailed", ...common, ...result },
    );
  }
}
