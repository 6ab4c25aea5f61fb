/**
 * Waiting for the first of several tasks, again and again over the same tasks: a bounded window of activities, commands that come while
 * work goes on.
 *
 * durable-functions 3.5 has Task.any for that, but a task may be in only one Task.any: a second one would have the host schedule its
 * activities anew. So the host is told only of the tasks that are new, beside an empty Task.all, which is complete at once: the host
 * starts the new ones and waits for nothing, and which task is awaited stays the orchestrator's own matter. (The host's side is
 * OutOfProcOrchestrationShim of the Durable extension: it only has to create the same tasks in the same order.)
 */
import type { OrchestrationContext, Task } from "durable-functions";
import { Deadline } from "./deadline.js";
import { hostIsCurrent, letHostCatchUp } from "./host-clock.js";
import { Retried } from "./retried.js";

/** What of durable-functions' task classes is needed here; the version is pinned, and every migration test runs through this. */
interface ScheduledTask extends Task {
  alreadyScheduled?: boolean;
  readonly action: Action;
}
interface Action {
  readonly actionType: number;
  compoundActions?: Action[];
  readonly externalEventName?: string;
}

/** ActionType.WhenAll of durable-functions. */
const whenAll = 12;

/**
 * Waits until one of the tasks has settled, and returns it; at once if one has already. Look at its isFaulted before its result.
 * Tasks that are new are scheduled, in their order. Tasks that the host retries by itself must not be raced: see Retried.
 */
export function* race<T extends Task>(context: OrchestrationContext, tasks: readonly T[]): Generator<Task, T, unknown> {
  for (;;) {
    const chains = tasks.filter((task): task is T & (Retried | Deadline) => isChain(task));
    if (chains.some(({ needsTimer }) => needsTimer) && !hostIsCurrent(context)) yield* letHostCatchUp(context);
    for (const chain of chains) chain.goOn();
    const settled = tasks.find(isSettled);
    if (settled !== undefined) return settled;
    const current = tasks.flatMap((task) => (isChain(task) ? (task.current ?? []) : task));
    const any = context.df.Task.any(current) as ScheduledTask;
    const fresh = (current as readonly Task[] as readonly ScheduledTask[]).filter(
      (task) => task.alreadyScheduled !== true && task.action.externalEventName === undefined,
    );
    any.action.compoundActions = [...fresh.map((task) => task.action), { actionType: whenAll, compoundActions: [] }];
    yield any;
  }
}

/** A task that is several of Durable's, one after the other. */
function isChain(task: Task): task is Retried | Deadline {
  return task instanceof Retried || task instanceof Deadline;
}

/** Whether a task has come to its end, well or not. */
export function isSettled(task: Task): boolean {
  return task.isCompleted || task.isFaulted;
}
