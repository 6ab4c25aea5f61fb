/**
 * Replays a recorded history against today's orchestrators, turn by turn, as the host does after a restart: what the code asks for
 * in each turn must be what it asked for then. Whatever differs would end a migration that runs while this build is deployed.
 */
import { app } from "@azure/functions";
import { DummyOrchestrationContext } from "durable-functions";
import type { HistoryEvent } from "../../emulator/src/durable/history-event.js";
import { Orchestration } from "../../emulator/src/durable/orchestration.js";
import { endTurn, triggerInput } from "../../emulator/src/durable/turn.js";
import type { RecordedHistory } from "./recorded-history.js";

type Handler = (trigger: unknown, context: DummyOrchestrationContext) => Promise<unknown>;

/** The orchestrator functions of the app, by name, as durable-functions registers them. */
export async function registeredOrchestrators(): Promise<ReadonlyMap<string, Handler>> {
  const handlers = new Map<string, Handler>();
  const register = app.generic;
  app.generic = (name, { handler }) => {
    handlers.set(name, handler as Handler);
  };
  try {
    await import("../../orchestrators/migration.js");
    await import("../../orchestrators/database.js");
    await import("../../orchestrators/copy.js");
    await import("../../orchestrators/snapshot.js");
    await import("../../orchestrators/follow.js");
    await import("../../orchestrators/replication-set-up.js");
    await import("../../orchestrators/statements-retry.js");
  } finally {
    app.generic = register;
  }
  return handlers;
}

/** What a turn of the history added to it: tasks, and the end. Timers' times are the settings' matter. */
interface Asked {
  readonly EventType: string;
  readonly EventId: number;
  readonly Name: string | undefined;
}

export interface Difference {
  readonly turn: number;
  readonly recorded: readonly Asked[];
  readonly now: readonly Asked[];
  readonly failure?: string;
}

/** The first turn in which the code asks for something else than it did; undefined when there is none. */
export async function firstDifference(
  { orchestration: name, instanceId, input, parent, limits, events }: RecordedHistory,
  handler: Handler,
): Promise<Difference | undefined> {
  const starts = events.flatMap(({ EventType }, index) => (EventType === "OrchestratorStarted" ? [index] : []));
  for (const [turn, from] of starts.entries()) {
    const taken = events.slice(from, starts[turn + 1]);
    const came = taken.filter((event) => !isAsked(event) && event.EventType !== "OrchestratorCompleted");
    const record = {
      instanceId,
      executionId: "recorded",
      generation: 0,
      version: events.find(({ EventType }) => EventType === "ExecutionStarted")?.Version ?? "",
      name,
      input,
      output: undefined,
      customStatus: undefined,
      runtimeStatus: "Running",
      createdTime: new Date(events[0]?.Timestamp ?? 0),
      lastUpdatedTime: new Date(events[0]?.Timestamp ?? 0),
      completedTime: undefined,
      historyLength: from,
      parent: parent === undefined ? undefined : { instanceId: parent, executionId: "recorded", taskId: 0 },
    } as const;
    const replayed = new Orchestration(record, events.slice(0, from) as HistoryEvent[]);
    const start = {
      events: came,
      timestamp: taken[0]?.Timestamp ?? "",
      suspended: false,
      terminated: undefined,
    };
    const outcome = await run(handler, JSON.parse(triggerInput(replayed, start, limits)));
    const end = endTurn(replayed, start, outcome, () => true, limits);
    const recorded = taken.filter(isAsked).map(asked);
    const now = end.events.filter(isAsked).map(asked);
    const continued = end.continueAsNew !== undefined && turn === starts.length - 1;
    if (end.failure !== undefined && !taken.some(({ OrchestrationStatus }) => OrchestrationStatus === "Failed")) {
      return { turn, recorded, now, failure: end.failure.reason };
    }
    if (!continued && JSON.stringify(recorded) !== JSON.stringify(now)) return { turn, recorded, now };
  }
  return undefined;
}

function isAsked({ EventType, EventId }: HistoryEvent): boolean {
  return EventId >= 0 && (EventType.endsWith("Created") || EventType === "TaskScheduled" || isEnd(EventType));
}

function isEnd(type: string): boolean {
  return type === "ExecutionCompleted";
}

function asked({ EventType, EventId, Name }: HistoryEvent): Asked {
  return { EventType, EventId, Name: EventType === "TimerCreated" ? undefined : Name };
}

async function run(handler: Handler, trigger: unknown): Promise<Parameters<typeof endTurn>[2]> {
  const context = new DummyOrchestrationContext("replayed", "replayed", () => {});
  try {
    const state = await handler(trigger, context);
    const response = { returnValue: { json: JSON.stringify(state) } };
    return { kind: "succeeded", response, instance: "replayed" } as unknown as Parameters<typeof endTurn>[2];
  } catch (error) {
    const { message, stack } = error as Error;
    return { kind: "failed", error: { message, stack }, instance: "replayed" } as unknown as Parameters<
      typeof endTurn
    >[2];
  }
}
