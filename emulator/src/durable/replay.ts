import type { Command } from "./command.js";
import type { HistoryEvent } from "./history-event.js";
import { type Action, ActionType, type RetryOptions } from "./orchestrator-state.js";

/**
 * Decides what an orchestration has to do next, by doing to the history what the Functions host does: its
 * OutOfProcOrchestrationShim awaits the orchestrator's actions one after the other inside the Durable Task Framework, which
 * numbers tasks as they are created. durable-functions numbers its tasks by the same rules while it replays, so the
 * order here must be the host's to the letter: an action is issued when the one before has completed; a Task.all waits
 * for all its children even when one has failed; the last attempt of a retry is followed by a timer that is due at once.
 */

export interface Plan {
  /** Tasks that the history does not have yet, in order of their ids. */
  commands: Command[];
  /** Every action and every task has completed: the orchestrator's own outcome counts. */
  finished: boolean;
  continueAsNew: { input: unknown } | undefined;
  nextId: number;
}

/** What host.json says of an orchestration's tasks. */
export interface TaskLimits {
  /** A timer longer than this is made of legs; milliseconds. */
  maximumShortTimerDuration: number;
  /** The length of a leg; milliseconds. */
  longRunningTimerIntervalDuration: number;
  /** An orchestration that asks for more tasks fails. */
  maxOrchestrationActions: number;
}

export type FunctionKind = "activity" | "orchestrator";

/**
 * @param history every event so far, those of this turn included
 * @param knows whether the app has that function
 * @throws Error when history and actions contradict each other, or an action is not supported
 */
export function replay(
  history: readonly HistoryEvent[],
  actions: readonly Action[],
  knows: (kind: FunctionKind, name: string) => boolean,
  limits: TaskLimits,
): Plan {
  return new Replay(actions, knows, limits).run(history);
}

class Replay {
  readonly #actions: readonly Action[];
  readonly #knows: (kind: FunctionKind, name: string) => boolean;
  readonly #limits: TaskLimits;
  readonly #commands = new Map<number, Command>();
  readonly #recorded = new Set<number>();
  readonly #open = new Map<number, (event: HistoryEvent) => void>();
  /** Newest last: the host keeps waiters of one event name as a stack. */
  readonly #waiters = new Map<string, (() => void)[]>();
  readonly #buffered = new Map<string, number>();
  #now = 0;
  #nextId = 0;
  #nextAction = 0;
  #finished = false;
  #continueAsNew: { input: unknown } | undefined;
  /**
   * DurableOrchestrationContext.IsLongRunningTimer, one mark for all timers of an orchestration: set by a long one, taken back
   * by whichever ends next. While it is set, a timer that is already due ends without having been created, and a short one that
   * fires early gets another leg, which the SDK does not know of.
   */
  #longTimerPending = false;

  constructor(actions: readonly Action[], knows: (kind: FunctionKind, name: string) => boolean, limits: TaskLimits) {
    this.#actions = actions;
    this.#knows = knows;
    this.#limits = limits;
  }

  run(history: readonly HistoryEvent[]): Plan {
    for (const event of history) {
      this.#process(event);
    }
    return {
      commands: [...this.#commands.values()].filter(({ id }) => !this.#recorded.has(id)),
      // A task that lost a race holds the end back until it has ended too (TaskOrchestrationExecutor, HasOpenTasks).
      finished: this.#finished && this.#open.size === 0,
      continueAsNew: this.#continueAsNew,
      nextId: this.#nextId,
    };
  }

  #process(event: HistoryEvent): void {
    switch (event.EventType) {
      case "OrchestratorStarted":
        this.#now = Math.max(this.#now, Date.parse(event.Timestamp));
        break;
      case "ExecutionStarted":
        this.#advance();
        break;
      case "TaskScheduled":
        this.#record(event, "activity");
        break;
      case "TimerCreated":
        this.#record(event, "timer");
        break;
      case "SubOrchestrationInstanceCreated":
        this.#record(event, "subOrchestration");
        break;
      case "TaskCompleted":
      case "TaskFailed":
      case "SubOrchestrationInstanceCompleted":
      case "SubOrchestrationInstanceFailed":
        this.#complete(event.TaskScheduledId, event);
        break;
      case "TimerFired":
        this.#complete(event.TimerId, event);
        break;
      case "EventRaised":
        this.#raise((event.Name ?? "").toLowerCase());
        break;
      default:
        break;
    }
  }

  /** What the history says was created must be what the code creates now. */
  #record(event: HistoryEvent, kind: Command["kind"]): void {
    const command = this.#commands.get(event.EventId);
    const same = command?.kind === kind && (command.kind === "timer" || command.name === event.Name);
    if (!same) {
      const now = command === undefined ? "nothing" : `${command.kind} ${"name" in command ? command.name : ""}`.trim();
      throw new Error(
        `Non-Deterministic workflow detected: the history has ${event.EventType} ${event.Name ?? ""} as task ${event.EventId}, the code now has ${now} there. ` +
          "Did the orchestrator's code change, or does it read a clock, a random number or a setting?",
      );
    }
    this.#recorded.add(event.EventId);
  }

  #complete(id: number | undefined, event: HistoryEvent): void {
    const resume = id === undefined ? undefined : this.#open.get(id);
    if (id !== undefined && resume !== undefined) {
      this.#open.delete(id);
      resume(event);
    }
  }

  #raise(name: string): void {
    const waiter = this.#waiters.get(name)?.pop();
    if (waiter === undefined) {
      this.#buffered.set(name, (this.#buffered.get(name) ?? 0) + 1);
    } else {
      waiter();
    }
  }

  #advance(): void {
    while (this.#nextAction < this.#actions.length) {
      const action = this.#actions[this.#nextAction++];
      let completed = false;
      let waiting = false;
      if (action !== undefined) {
        this.#issue(action, () => {
          completed = true;
          if (waiting) {
            this.#advance();
          }
        });
      }
      if (!completed) {
        waiting = true;
        return;
      }
    }
    this.#finished = true;
  }

  #issue(action: Action, done: () => void): void {
    switch (action.actionType) {
      case ActionType.CallActivity:
        this.#attempt(() => this.#activity(action), undefined, done);
        break;
      case ActionType.CallActivityWithRetry:
        this.#attempt(() => this.#activity(action), action.retryOptions, done);
        break;
      case ActionType.CallSubOrchestrator:
        this.#attempt(() => this.#subOrchestration(action), undefined, done);
        break;
      case ActionType.CallSubOrchestratorWithRetry:
        this.#attempt(() => this.#subOrchestration(action), action.retryOptions, done);
        break;
      case ActionType.CreateTimer:
        this.#timer(action, done);
        break;
      case ActionType.WaitForExternalEvent:
        this.#waitForEvent((action.externalEventName ?? "").toLowerCase(), done);
        break;
      case ActionType.WhenAll:
        this.#issueTogether(action.compoundActions ?? [], action.compoundActions?.length ?? 0, done);
        break;
      case ActionType.WhenAny:
        this.#issueTogether(action.compoundActions ?? [], 1, done);
        break;
      case ActionType.ContinueAsNew:
        this.#continueAsNew = { input: action.input };
        done();
        break;
      default: {
        const name = Object.entries(ActionType).find(([, value]) => value === action.actionType)?.[0];
        throw new Error(`${name ?? `Action ${action.actionType}`} is not supported by this local host.`);
      }
    }
  }

  #issueTogether(actions: readonly Action[], needed: number, done: () => void): void {
    // .NET's WhenAll of nothing is complete; its WhenAny of nothing is an error.
    if (needed === 0) {
      done();
      return;
    }
    if (actions.length === 0) {
      throw new Error("Task.any needs at least one task.");
    }
    let completed = 0;
    if (needed === 0) {
      // A Task.all over nothing is complete at once.
      done();
      return;
    }
    for (const action of actions) {
      this.#issue(action, () => {
        completed++;
        if (completed === needed) {
          done();
        }
      });
    }
  }

  /** The attempts of one task, with the timers between them (DurableTask.Core, RetryInterceptor). */
  #attempt(create: () => number, retry: RetryOptions | undefined, done: () => void): void {
    const giveUpAt = this.#now + (retry?.retryTimeoutInMilliseconds ?? Number.POSITIVE_INFINITY);
    const attempt = (failures: number): void => {
      this.#open.set(create(), ({ EventType: type }) => {
        const failed = type === "TaskFailed" || type === "SubOrchestrationInstanceFailed";
        if (!failed || retry === undefined) {
          done();
          return;
        }
        const isLast = failures + 1 >= retry.maxNumberOfAttempts;
        if (!isLast && this.#now >= giveUpAt) {
          done();
          return;
        }
        const fireAt = new Date(this.#now + (isLast ? 0 : delayAfter(failures, retry)));
        const timer = this.#create((id) => ({ kind: "timer", id, fireAt }));
        this.#open.set(timer, () => (isLast ? done() : attempt(failures + 1)));
      });
    };
    attempt(0);
  }

  #activity(action: Action): number {
    const name = this.#known("activity", action);
    return this.#create((id) => ({ kind: "activity", id, name, input: action.input ?? null }));
  }

  #subOrchestration(action: Action): number {
    const name = this.#known("orchestrator", action);
    const instanceId = action.instanceId ?? undefined;
    return this.#create((id) => ({ kind: "subOrchestration", id, name, instanceId, input: action.input ?? null }));
  }

  #known(kind: FunctionKind, { functionName: name = "" }: Action): string {
    if (!this.#knows(kind, name)) {
      throw new Error(`The function '${name}' doesn't exist, is disabled, or is not an ${kind} function.`);
    }
    return name;
  }

  #timer(action: Action, done: () => void): void {
    const finalFireAt = Date.parse(action.fireAt ?? "");
    const { maximumShortTimerDuration, longRunningTimerIntervalDuration } = this.#limits;
    const isLong = finalFireAt - this.#now > maximumShortTimerDuration;
    this.#longTimerPending ||= isLong;
    const hasLegs = this.#longTimerPending;
    const end = (): void => {
      this.#longTimerPending = false;
      done();
    };
    if (this.#longTimerPending && finalFireAt <= this.#now) {
      end();
      return;
    }
    const next = (): void => {
      const fireAt = isLong ? Math.min(finalFireAt, this.#now + longRunningTimerIntervalDuration) : finalFireAt;
      const id = this.#create((timerId) => ({ kind: "timer", id: timerId, fireAt: new Date(fireAt) }));
      if (action.isCanceled === true) {
        // The host's wait for a cancelled timer throws: it never comes to where the mark is taken back.
        done();
        return;
      }
      this.#open.set(id, () => (hasLegs && this.#now < finalFireAt ? next() : end()));
    };
    next();
  }

  #waitForEvent(name: string, done: () => void): void {
    const buffered = this.#buffered.get(name) ?? 0;
    if (buffered > 0) {
      this.#buffered.set(name, buffered - 1);
      done();
      return;
    }
    const waiters = this.#waiters.get(name) ?? [];
    waiters.push(done);
    this.#waiters.set(name, waiters);
  }

  #create(make: (id: number) => Command): number {
    const { maxOrchestrationActions } = this.#limits;
    if (this.#nextId >= maxOrchestrationActions) {
      throw new Error(
        `Maximum amount of orchestration actions (${maxOrchestrationActions}) has been reached. ` +
          "This value can be configured in host.json file as MaxOrchestrationActions.",
      );
    }
    const id = this.#nextId++;
    this.#commands.set(id, make(id));
    return id;
  }
}

/** Milliseconds until the next attempt. */
function delayAfter(failures: number, retry: RetryOptions): number {
  return Math.min(
    retry.firstRetryIntervalInMilliseconds * (retry.backoffCoefficient ?? 1) ** failures,
    retry.maxRetryIntervalInMilliseconds ?? Number.POSITIVE_INFINITY,
  );
}
