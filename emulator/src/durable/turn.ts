import { millisecondsToTimeSpan } from "../durations.js";
import type { Outcome } from "../instances/instance.js";
import { toEvent } from "./command.js";
import { type HistoryEvent, toTriggerEvent } from "./history-event.js";
import type { InstanceRecord, RuntimeStatus } from "./instance-record.js";
import type { Orchestration } from "./orchestration.js";
import { type OrchestratorState, readOrchestratorState } from "./orchestrator-state.js";
import { type FunctionKind, replay, type TaskLimits } from "./replay.js";

/**
 * One turn of an orchestration: what happened since the last one becomes history, the orchestrator function replays it, and
 * what it asks for becomes history too. Here is what a turn decides; the engine stores it and acts on it.
 */

const MAX_CUSTOM_STATUS_KB = 16;

export interface TurnStart {
  events: HistoryEvent[];
  /** ISO 8601. */
  timestamp: string;
  suspended: boolean;
  terminated: { reason: string } | undefined;
}

export interface TurnEnd {
  events: HistoryEvent[];
  status: RuntimeStatus;
  output: string | undefined;
  /** JSON; undefined leaves the custom status as it is. */
  customStatus: string | undefined;
  continueAsNew: { input: string } | undefined;
  failure: { reason: string; details: string } | undefined;
}

/** Takes what is in the inbox. Messages and completions that the history already has are left out. */
export function beginTurn(orchestration: Orchestration, pending: readonly HistoryEvent[]): TurnStart {
  const { history, record } = orchestration;
  // Time never runs backwards in a history.
  const lastStart = history.findLast(({ EventType }) => EventType === "OrchestratorStarted");
  const now = Math.max(Date.now(), lastStart === undefined ? 0 : Date.parse(lastStart.Timestamp));
  const timestamp = new Date(now).toISOString();
  const events: HistoryEvent[] = [{ EventType: "OrchestratorStarted", EventId: -1, Timestamp: timestamp }];
  let suspended = record.runtimeStatus === "Suspended";
  let terminated: TurnStart["terminated"];
  for (const event of pending) {
    if (orchestration.hasSeen(event)) {
      continue;
    }
    events.push(event);
    if (event.EventType === "ExecutionSuspended") {
      suspended = true;
    } else if (event.EventType === "ExecutionResumed") {
      suspended = false;
    } else if (event.EventType === "ExecutionTerminated") {
      terminated = { reason: event.Reason ?? "" };
    }
  }
  return { events, timestamp, suspended, terminated };
}

/** The orchestration trigger's input (facts of OrchestrationTriggerAttributeBindingProvider). */
export function triggerInput(orchestration: Orchestration, start: TurnStart, limits: TaskLimits): string {
  const { record, history } = orchestration;
  return JSON.stringify({
    history: [
      ...history.map((event) => toTriggerEvent(event, true)),
      ...start.events.map((event) => toTriggerEvent(event, false)),
    ],
    input: JSON.parse(record.input),
    instanceId: record.instanceId,
    isReplaying: false,
    parentInstanceId: record.parent?.instanceId ?? null,
    upperSchemaVersion: 1,
    upperSchemaVersionNew: 2,
    longRunningTimerIntervalDuration: millisecondsToTimeSpan(limits.longRunningTimerIntervalDuration),
    maximumShortTimerDuration: millisecondsToTimeSpan(limits.maximumShortTimerDuration),
    defaultHttpAsyncRequestSleepTimeMillseconds: 30_000,
  });
}

/** What the orchestrator's answer comes to. */
export function endTurn(
  orchestration: Orchestration,
  start: TurnStart,
  outcome: Extract<Outcome, { kind: "succeeded" | "failed" }>,
  knows: (kind: FunctionKind, name: string) => boolean,
  limits: TaskLimits,
): TurnEnd {
  const { record, history } = orchestration;
  let state: OrchestratorState | undefined;
  try {
    state = readOrchestratorState(outcome);
    const customStatus = customStatusOf(state);
    const plan = replay([...history, ...start.events], state.actions, knows, limits);
    const events = plan.commands.map((command) =>
      toEvent(command, start.timestamp, (id) => `${record.executionId}:${id.toString(16).padStart(4, "0")}`),
    );
    if (!plan.finished || (state.error === undefined && !state.isDone)) {
      return unfinished(events, start.timestamp, customStatus);
    }
    if (state.error !== undefined) {
      return failed(record, start.timestamp, state.error, `Message: ${state.error}, StackTrace: ${state.stack ?? ""}`, {
        events,
        customStatus,
        nextId: plan.nextId,
      });
    }
    if (plan.continueAsNew !== undefined) {
      return {
        ...unfinished([], start.timestamp, customStatus),
        continueAsNew: { input: JSON.stringify(plan.continueAsNew.input ?? null) },
      };
    }
    const output = JSON.stringify(state.output ?? null);
    return ended("Completed", output, start.timestamp, { events, customStatus, nextId: plan.nextId });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return failed(record, start.timestamp, message, message, {
      events: [],
      customStatus: undefined,
      nextId: history.length,
    });
  }
}

/** @throws Error when it is longer than the Durable extension takes, as there. */
function customStatusOf({ customStatus }: OrchestratorState): string | undefined {
  const text = customStatus === undefined ? undefined : JSON.stringify(customStatus);
  const kilobytes = Math.floor(((text?.length ?? 0) * 2) / 1024);
  if (kilobytes > MAX_CUSTOM_STATUS_KB) {
    throw new Error(
      `The UTF-16 size of the JSON-serialized payload must not exceed ${MAX_CUSTOM_STATUS_KB} KB. ` +
        `The current payload size is ${kilobytes} KB.`,
    );
  }
  return text;
}

/** The end of a turn that runs no code: the orchestration is suspended. */
export function suspendedTurn(start: TurnStart): TurnEnd {
  return { ...unfinished([], start.timestamp, undefined), status: "Suspended" };
}

/** The end of an orchestration that was told to end. */
export function terminatedTurn(start: TurnStart, reason: string, nextId: number): TurnEnd {
  const end = ended("Terminated", reason, start.timestamp, { events: [], customStatus: undefined, nextId });
  return { ...end, failure: { reason, details: "" } };
}

/** The end of an orchestration that this host gives up. */
export function abandonedTurn(record: InstanceRecord, start: TurnStart, message: string, nextId: number): TurnEnd {
  return failed(record, start.timestamp, message, message, { events: [], customStatus: undefined, nextId });
}

interface Close {
  events: HistoryEvent[];
  customStatus: string | undefined;
  nextId: number;
}

function unfinished(events: HistoryEvent[], timestamp: string, customStatus: string | undefined): TurnEnd {
  return {
    events: [...events, { EventType: "OrchestratorCompleted", EventId: -1, Timestamp: timestamp }],
    status: "Running",
    output: undefined,
    customStatus,
    continueAsNew: undefined,
    failure: undefined,
  };
}

function ended(
  status: RuntimeStatus,
  output: string,
  timestamp: string,
  { events, customStatus, nextId }: Close,
): TurnEnd {
  const completed: HistoryEvent = {
    EventType: "ExecutionCompleted",
    EventId: nextId,
    Timestamp: timestamp,
    OrchestrationStatus: status,
    Result: output,
  };
  return { ...unfinished([...events, completed], timestamp, customStatus), status, output };
}

function failed(record: InstanceRecord, timestamp: string, message: string, details: string, close: Close): TurnEnd {
  const reason = `Orchestrator function '${record.name}' failed: ${message}`;
  return { ...ended("Failed", reason, timestamp, close), failure: { reason, details } };
}
