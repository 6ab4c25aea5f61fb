/**
 * The clock by which the host tells short timers from long ones.
 *
 * The Durable extension replays an orchestrator's actions and looks at its own CurrentUtcDateTime when it comes to a timer
 * (OutOfProcOrchestrationShim and DurableOrchestrationContext.CreateTimer of its 3.x): that clock stands where the last action
 * that the host really waited for ended. race() lets the host wait for nothing, so after days of it the host's clock is days
 * behind, and takes a timer of seconds for one of days: it makes legs of it, each a task with a number of its own that
 * durable-functions, whose clock is right, does not know of.
 *
 * Whoever is about to create a timer therefore asks isCurrent(), and has the host catch up first when it is not.
 */
import type { OrchestrationContext, Task } from "durable-functions";

/** When the host last waited for something, by the orchestrator's clock, in milliseconds. */
const awaitedAt = new WeakMap<object, number>();

/** To be called right after a task that the host waited for itself: one that was yielded as it is. */
export function hostAwaited(context: OrchestrationContext): void {
  awaitedAt.set(context.df, context.df.currentUtcDateTime.getTime());
}

/** Whether the host's clock shows what the orchestrator's does. */
export function hostIsCurrent(context: OrchestrationContext): boolean {
  return awaitedAt.get(context.df) === context.df.currentUtcDateTime.getTime();
}

/** Has the host wait for something that is over at once: a timer that is due. */
export function* letHostCatchUp(context: OrchestrationContext): Generator<Task, void, unknown> {
  yield context.df.createTimer(context.df.currentUtcDateTime);
  hostAwaited(context);
}
