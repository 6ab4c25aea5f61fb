import { describe, expect, test } from "vitest";
import type { HistoryEvent } from "../src/durable/history-event.js";
import { type Action, ActionType } from "../src/durable/orchestrator-state.js";
import { replay } from "../src/durable/replay.js";

const DAY_MS = 86_400_000;
const TIMERS = {
  maximumShortTimerDuration: 6 * DAY_MS,
  longRunningTimerIntervalDuration: 3 * DAY_MS,
  maxOrchestrationActions: 100_000,
};
const T = "2026-01-01T00:00:00.000Z";
const retryOptions = { firstRetryIntervalInMilliseconds: 1_000, maxNumberOfAttempts: 2, backoffCoefficient: 3 };

const activity = (functionName: string): Action => ({ actionType: ActionType.CallActivity, functionName, input: 1 });
const retried = (functionName: string): Action => ({
  actionType: ActionType.CallActivityWithRetry,
  functionName,
  retryOptions,
});
const timer = (fireAt: string, isCanceled = false): Action => ({
  actionType: ActionType.CreateTimer,
  fireAt,
  isCanceled,
});
const wait = (externalEventName: string): Action => ({
  actionType: ActionType.WaitForExternalEvent,
  externalEventName,
});
const all = (...compoundActions: Action[]): Action => ({ actionType: ActionType.WhenAll, compoundActions });
const any = (...compoundActions: Action[]): Action => ({ actionType: ActionType.WhenAny, compoundActions });

const event = (EventType: HistoryEvent["EventType"], rest: Partial<HistoryEvent> = {}): HistoryEvent => ({
  EventType,
  EventId: -1,
  Timestamp: T,
  ...rest,
});
const started = [event("OrchestratorStarted"), event("ExecutionStarted", { Name: "o" })];
const scheduled = (EventId: number, Name: string) => event("TaskScheduled", { EventId, Name });
const completed = (TaskScheduledId: number) => event("TaskCompleted", { TaskScheduledId });
const failed = (TaskScheduledId: number) => event("TaskFailed", { TaskScheduledId });
const timerCreated = (EventId: number) => event("TimerCreated", { EventId });
const fired = (TimerId: number) => event("TimerFired", { TimerId });
const raised = (Name: string) => event("EventRaised", { Name });

const plan = (history: HistoryEvent[], actions: Action[]) =>
  replay([...started, ...history], actions, () => true, TIMERS);
const asked = (history: HistoryEvent[], actions: Action[]) =>
  plan(history, actions).commands.map((command) => [
    command.id,
    "name" in command ? command.name : command.fireAt.toISOString(),
  ]);

describe("what an orchestration does next", () => {
  test("an action is issued when the one before has completed", () => {
    const actions = [activity("a"), activity("b")];
    expect(asked([], actions)).toEqual([[0, "a"]]);
    expect(asked([scheduled(0, "a"), completed(0)], actions)).toEqual([[1, "b"]]);
  });

  test("the children of a group get their ids in order, groups within groups too", () => {
    expect(asked([], [all(activity("a"), any(activity("b"), wait("E")), activity("c"))])).toEqual([
      [0, "a"],
      [1, "b"],
      [2, "c"],
    ]);
  });

  test("a group of which one child failed goes on only when all have ended", () => {
    const actions = [all(activity("a"), activity("b")), activity("c")];
    const history = [scheduled(0, "a"), scheduled(1, "b"), failed(0)];
    expect(asked(history, actions)).toEqual([]);
    expect(asked([...history, completed(1)], actions)).toEqual([[2, "c"]]);
  });

  test("a group of nothing is complete at once: beside it, a Task.any starts its tasks and waits for none", () => {
    expect(asked([], [any(activity("a"), activity("b"), all()), activity("c")])).toEqual([
      [0, "a"],
      [1, "b"],
      [2, "c"],
    ]);
    expect(() => plan([], [any()])).toThrow("Task.any needs at least one task");
  });

  test("a retry takes an id for its timer and one for the attempt; after the last failure comes a timer that is due at once", () => {
    const actions = [retried("a"), activity("b")];
    const first = [scheduled(0, "a"), failed(0)];
    expect(asked(first, actions)).toEqual([[1, "2026-01-01T00:00:01.000Z"]]);
    const second = [...first, timerCreated(1), fired(1), scheduled(2, "a"), failed(2)];
    expect(asked(second, actions)).toEqual([[3, "2026-01-01T00:00:00.000Z"]]);
    expect(asked([...second, timerCreated(3), fired(3)], actions)).toEqual([[4, "b"]]);
  });

  test("an event that came early is kept, whatever the case of its name", () => {
    const actions = [activity("a"), wait("Go"), activity("b")];
    expect(asked([scheduled(0, "a"), raised("GO"), completed(0)], actions)).toEqual([[1, "b"]]);
  });

  test("of two that wait for one event, the later gets it", () => {
    const actions = [any(wait("Go"), activity("a")), any(wait("Go"), activity("b")), activity("c")];
    expect(asked([scheduled(0, "a"), completed(0), scheduled(1, "b"), raised("Go")], actions)).toEqual([[2, "c"]]);
  });

  test("a cancelled timer counts as over", () => {
    const actions = [any(timer("2026-01-02T00:00:00Z", true), wait("Go")), activity("a")];
    expect(asked([timerCreated(0)], actions)).toEqual([[1, "a"]]);
  });

  test("a timer longer than six days is made of timers of three", () => {
    const actions = [timer("2026-01-08T00:00:00Z")];
    const at = (day: string) => event("OrchestratorStarted", { Timestamp: `2026-01-${day}T00:00:00.000Z` });
    expect(asked([], actions)).toEqual([[0, "2026-01-04T00:00:00.000Z"]]);
    const second = [timerCreated(0), at("04"), fired(0)];
    expect(asked(second, actions)).toEqual([[1, "2026-01-07T00:00:00.000Z"]]);
    const third = [...second, timerCreated(1), at("07"), fired(1)];
    expect(asked(third, actions)).toEqual([[2, "2026-01-08T00:00:00.000Z"]]);
    expect(plan([...third, timerCreated(2), at("08"), fired(2)], actions).finished).toBe(true);
  });

  test("code that does something else than its history is told so", () => {
    expect(() => plan([scheduled(0, "a")], [activity("b")])).toThrow("Non-Deterministic workflow detected");
    expect(() => plan([timerCreated(0)], [activity("a")])).toThrow("Non-Deterministic workflow detected");
  });

  test("what this host cannot do is named", () => {
    expect(() => plan([], [{ actionType: ActionType.CallEntity }])).toThrow("CallEntity is not supported");
    expect(() => replay(started, [activity("a")], () => false, TIMERS)).toThrow("The function 'a' doesn't exist");
  });
});
