import type { HistoryEvent } from "./history-event.js";

/** A task that an orchestration asks for; its id is its place in the order of creation. */
export type Command =
  | { kind: "activity"; id: number; name: string; input: unknown }
  | { kind: "timer"; id: number; fireAt: Date }
  | { kind: "subOrchestration"; id: number; name: string; instanceId: string | undefined; input: unknown };

/** The event that records a command. */
export function toEvent(command: Command, timestamp: string, subInstanceId: (id: number) => string): HistoryEvent {
  const common = { EventId: command.id, Timestamp: timestamp };
  switch (command.kind) {
    case "activity":
      // Durable wraps an activity's input into an array of one.
      return {
        EventType: "TaskScheduled",
        ...common,
        Name: command.name,
        Version: "",
        Input: JSON.stringify([command.input]),
      };
    case "timer":
      return { EventType: "TimerCreated", ...common, FireAt: command.fireAt.toISOString() };
    case "subOrchestration":
      return {
        EventType: "SubOrchestrationInstanceCreated",
        ...common,
        Name: command.name,
        Version: "",
        InstanceId: command.instanceId ?? subInstanceId(command.id),
        Input: JSON.stringify(command.input),
      };
  }
}
