import type { HistoryEvent } from "./history-event.js";
import type { InstanceRecord } from "./instance-record.js";

/** The first event of an execution. */
export function executionStarted(record: InstanceRecord): HistoryEvent {
  return {
    EventType: "ExecutionStarted",
    EventId: -1,
    Timestamp: new Date().toISOString(),
    Name: record.name,
    Version: record.version,
    Input: record.input,
  };
}

/** What a parent hears when its sub-orchestration has ended. */
export function endOfChild(record: InstanceRecord, details: string | undefined): HistoryEvent {
  const common = { EventId: -1, TaskScheduledId: record.parent?.taskId ?? -1, Timestamp: new Date().toISOString() };
  return record.runtimeStatus === "Completed"
    ? { EventType: "SubOrchestrationInstanceCompleted", ...common, Result: record.output ?? "null" }
    : { EventType: "SubOrchestrationInstanceFailed", ...common, Reason: record.output ?? "", Details: details ?? "" };
}
