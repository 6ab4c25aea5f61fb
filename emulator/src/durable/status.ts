import { completedTask, type HistoryEvent } from "./history-event.js";
import type { InstanceRecord } from "./instance-record.js";

/** An instance as the management API answers it (StatusResponsePayload of the Durable extension). */
export function statusPayload(
  record: InstanceRecord,
  showInput: boolean,
  history: Record<string, unknown>[] | undefined,
): Record<string, unknown> {
  return {
    name: record.name,
    instanceId: record.instanceId,
    runtimeStatus: record.runtimeStatus,
    input: showInput ? parsed(record.input) : null,
    customStatus: parsed(record.customStatus),
    output: parsed(record.output),
    createdTime: seconds(record.createdTime),
    lastUpdatedTime: seconds(record.lastUpdatedTime),
    ...(history === undefined ? {} : { historyEvents: history }),
  };
}

/** The history as the API shows it: what happened, without the framework's own marks; a task's end tells its start. */
export function historyPayload(events: readonly HistoryEvent[], showOutput: boolean): Record<string, unknown>[] {
  const scheduled = new Map(events.filter(({ EventId }) => EventId >= 0).map((event) => [event.EventId, event]));
  return events.flatMap((event) => {
    const { EventType, Timestamp, Name, Reason, Details, FireAt, OrchestrationStatus, Result, Input } = event;
    switch (EventType) {
      case "OrchestratorStarted":
      case "OrchestratorCompleted":
      case "TaskScheduled":
      case "SubOrchestrationInstanceCreated":
        return [];
      default: {
        const cause = scheduled.get(completedTask(event) ?? -1);
        return [
          {
            EventType,
            Timestamp,
            ...(cause?.Timestamp === undefined ? {} : { ScheduledTime: cause.Timestamp }),
            ...(EventType === "ExecutionStarted" || cause?.Name ? { FunctionName: Name ?? cause?.Name } : {}),
            ...(EventType === "EventRaised" ? { Name, ...(showOutput ? { Input: parsed(Input) } : {}) } : {}),
            ...(Reason === undefined ? {} : { Reason, Details }),
            ...(FireAt === undefined ? {} : { FireAt }),
            ...(OrchestrationStatus === undefined ? {} : { OrchestrationStatus }),
            ...(showOutput && Result !== undefined ? { Result: parsed(Result) } : {}),
          },
        ];
      }
    }
  });
}

function parsed(text: string | undefined): unknown {
  if (text === undefined) {
    return null;
  }
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function seconds(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
