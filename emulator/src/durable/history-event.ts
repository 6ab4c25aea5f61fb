/** The events of an orchestration's history, as the Durable Task Framework numbers and names them. */
export const EventType = {
  ExecutionStarted: 0,
  ExecutionCompleted: 1,
  ExecutionFailed: 2,
  ExecutionTerminated: 3,
  TaskScheduled: 4,
  TaskCompleted: 5,
  TaskFailed: 6,
  SubOrchestrationInstanceCreated: 7,
  SubOrchestrationInstanceCompleted: 8,
  SubOrchestrationInstanceFailed: 9,
  TimerCreated: 10,
  TimerFired: 11,
  OrchestratorStarted: 12,
  OrchestratorCompleted: 13,
  EventSent: 14,
  EventRaised: 15,
  ContinueAsNew: 16,
  GenericEvent: 17,
  HistoryState: 18,
  ExecutionSuspended: 19,
  ExecutionResumed: 20,
} as const;

export type EventTypeName = keyof typeof EventType;

export interface HistoryEvent {
  EventType: EventTypeName;
  /** The id of the task that the event creates; -1 for every other event. */
  EventId: number;
  /** ISO 8601, UTC, milliseconds. */
  Timestamp: string;
  Name?: string;
  Version?: string;
  /** JSON. */
  Input?: string;
  /** JSON. */
  Result?: string;
  Reason?: string;
  Details?: string;
  /** JSON of the error as an exception properties provider describes it. */
  FailureDetails?: string;
  /** The task that ended (activities and sub-orchestrations). */
  TaskScheduledId?: number;
  /** The timer that fired. */
  TimerId?: number;
  FireAt?: string;
  /** The sub-orchestration's instance ID. */
  InstanceId?: string;
  OrchestrationStatus?: string;
  /** Which stored message brought the event; a message delivered twice is known by it. */
  MessageId?: string;
}

/** The task that this event completes, or undefined. */
export function completedTask(event: HistoryEvent): number | undefined {
  switch (event.EventType) {
    case "TaskCompleted":
    case "TaskFailed":
    case "SubOrchestrationInstanceCompleted":
    case "SubOrchestrationInstanceFailed":
      return event.TaskScheduledId;
    case "TimerFired":
      return event.TimerId;
    default:
      return undefined;
  }
}

/** Whether the event creates a task (its EventId is then the task's id). */
export function createsTask(event: HistoryEvent): boolean {
  return (
    event.EventType === "TaskScheduled" ||
    event.EventType === "TimerCreated" ||
    event.EventType === "SubOrchestrationInstanceCreated"
  );
}

/** The event as durable-functions reads it in the orchestration trigger's input. */
export function toTriggerEvent(event: HistoryEvent, isPlayed: boolean): Record<string, unknown> {
  const { MessageId: _, FailureDetails, ...rest } = event;
  return {
    ...rest,
    EventType: EventType[event.EventType],
    IsPlayed: isPlayed,
    ...(FailureDetails === undefined ? {} : { FailureDetails: JSON.parse(FailureDetails) }),
  };
}
