/**
 * Durable's out-of-process protocol has no task ids: an orchestrator that puts a still pending task into a NEW Task.any or
 * Task.all sends the task's action again, and the real host schedules it a second time (azure-functions-durable-js issue
 * 574). Results then reach the wrong task. Here that is an error, while the action objects can still be told apart.
 */

interface Action {
  actionType: number;
  functionName?: string;
  compoundActions?: Action[];
}

const WAIT_FOR_EXTERNAL_EVENT = 6;

/** The name of a task that the orchestrator scheduled twice, or undefined. Waiting for an event again is harmless. */
export function findRepeatedAction(orchestratorState: unknown): string | undefined {
  const seen = new Set<Action>();
  const visit = (action: Action): string | undefined => {
    if (Array.isArray(action.compoundActions)) {
      for (const child of action.compoundActions) {
        const found = visit(child);
        if (found !== undefined) {
          return found;
        }
      }
      return undefined;
    }
    if (action.actionType === WAIT_FOR_EXTERNAL_EVENT) {
      return undefined;
    }
    if (seen.has(action)) {
      return action.functionName ?? "timer";
    }
    seen.add(action);
    return undefined;
  };
  for (const action of actionsOf(orchestratorState)) {
    const found = visit(action);
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}

function actionsOf(state: unknown): Action[] {
  if (typeof state !== "object" || state === null || !("actions" in state) || !Array.isArray(state.actions)) {
    return [];
  }
  return state.actions.flat() as Action[];
}
