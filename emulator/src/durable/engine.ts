import { randomUUID } from "node:crypto";
import type { Log } from "../log.js";
import { ActiveOrchestrations } from "./active-orchestrations.js";
import { Consequences } from "./consequences.js";
import { executionStarted } from "./execution-events.js";
import type { FunctionRunner } from "./function-runner.js";
import type { HistoryEvent } from "./history-event.js";
import { type InstanceRecord, isTerminal } from "./instance-record.js";
import { KeyedLock } from "./keyed-lock.js";
import { LOG_CATEGORY } from "./log-category.js";
import { Orchestration } from "./orchestration.js";
import type { TaskLimits } from "./replay.js";
import { type DurableStore, mayBeOverwritten } from "./store.js";
import { TurnTaking } from "./turn-taking.js";

export interface EngineOptions {
  store: DurableStore;
  runner: FunctionRunner;
  log: Log;
  limits: TaskLimits;
  /** The version that orchestrations are started with. */
  defaultVersion: string;
}

export type StartResult = { kind: "started"; instanceId: string } | { kind: "exists"; instanceId: string };
export type SendResult = "sent" | "ended" | "unknown";

/**
 * The Durable engine: what can be asked of it. Every turn is stored before anything it asks for is done (TurnTaking, Consequences), so that
 * after a crash the history says what was under way: `recover` does it again. Activities therefore run at least once.
 */
export class Engine {
  readonly #store: DurableStore;
  readonly #runner: FunctionRunner;
  readonly #log: Log;
  readonly #defaultVersion: string;
  readonly #active = new ActiveOrchestrations((orchestration) => this.#turns.wake(orchestration));
  readonly #consequences: Consequences;
  readonly #turns: TurnTaking;
  /** One start or purge of an instance at a time. */
  readonly #locks = new KeyedLock();
  readonly #stopping = new AbortController();
  #messages = 0;

  constructor({ store, runner, log, limits, defaultVersion }: EngineOptions) {
    this.#store = store;
    this.#runner = runner;
    this.#log = log;
    this.#defaultVersion = defaultVersion;
    const common = { store, runner, log, active: this.#active, stopping: this.#stopping.signal };
    this.#consequences = new Consequences({
      ...common,
      start: (name, instanceId, input, parent) => this.start(name, instanceId, input, parent),
    });
    this.#turns = new TurnTaking({ ...common, consequences: this.#consequences, limits });
  }

  /** Takes up what was running when the host last stopped. */
  async recover(): Promise<void> {
    const records = await this.#store.running();
    for (const record of records) {
      const orchestration = new Orchestration(record, await this.#store.history(record));
      this.#active.add(orchestration);
      for (const message of await this.#store.messages(record.instanceId)) {
        orchestration.inbox.push(message);
      }
    }
    for (const orchestration of this.#active.all()) {
      if (orchestration.history.length === 0) {
        orchestration.inbox.unshift(executionStarted(orchestration.record));
      }
      await this.#consequences.ofTasks(orchestration, orchestration.openTasks());
      this.#turns.wake(orchestration);
    }
    if (records.length > 0) {
      this.#log.info(LOG_CATEGORY, `${records.length} orchestrations go on.`);
    }
  }

  /**
   * Starts an orchestration; one that the app does not have fails in its first turn.
   * @param input JSON
   */
  async start(
    name: string,
    instanceId: string | undefined,
    input: string,
    parent?: InstanceRecord["parent"],
  ): Promise<StartResult> {
    const id = instanceId ?? randomUUID().replaceAll("-", "");
    return await this.#locks.run(id, async () => {
      const existing = await this.#store.find(id);
      // Whatever runs is active: a record of something that is not has been left by a start that storage did not answer.
      if (!mayBeOverwritten(existing) && this.#active.find(id) !== undefined) {
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
        version: this.#defaultVersion,
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
      this.#active.add(orchestration);
      orchestration.inbox.push(executionStarted(record));
      this.#turns.wake(orchestration);
      return { kind: "started", instanceId: id };
    });
  }

  /** @param input JSON, or the empty string for none */
  async raiseEvent(instanceId: string, name: string, input: string): Promise<SendResult> {
    return await this.#send(instanceId, { EventType: "EventRaised", EventId: -1, Name: name, Input: input });
  }

  /** Ends the orchestration alone: its sub-orchestrations go on, and activities that run, whose results are dropped. */
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
    this.#stopping.abort();
    this.#runner.stop();
    for (const orchestration of this.#active.all()) {
      orchestration.clearTimers();
    }
  }

  /** Waits for the turns under way and stores what no turn has taken up, so that the next start of the host repeats little. */
  async flush(): Promise<void> {
    await this.#turns.settled();
    for (const { record, inbox } of this.#active.all()) {
      for (const event of inbox) {
        if (event.MessageId === undefined && event.EventType !== "ExecutionStarted") {
          await this.#store.putMessage(record.instanceId, this.#messageId(), event);
        }
      }
    }
  }

  async #send(instanceId: string, event: Omit<HistoryEvent, "Timestamp">): Promise<SendResult> {
    const orchestration = this.#active.find(instanceId);
    if (orchestration === undefined) {
      return (await this.#store.find(instanceId)) === undefined ? "unknown" : "ended";
    }
    const message: HistoryEvent = { ...event, Timestamp: new Date().toISOString(), MessageId: this.#messageId() };
    await this.#store.putMessage(instanceId, message.MessageId ?? "", message);
    this.#active.deliver(instanceId, undefined, message);
    return "sent";
  }

  /** Message ids sort by time, also those of one millisecond. */
  #messageId(): string {
    this.#messages = (this.#messages + 1) % 1_000_000;
    return `${new Date().toISOString()}-${String(this.#messages).padStart(6, "0")}`;
  }
}
