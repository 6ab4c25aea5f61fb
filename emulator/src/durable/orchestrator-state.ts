import { z } from "zod";
import type { Outcome } from "../instances/instance.js";

/** What an orchestrator function answers: everything it has asked for since its start (Durable's out-of-process protocol). */

export const ActionType = {
  CallActivity: 0,
  CallActivityWithRetry: 1,
  CallSubOrchestrator: 2,
  CallSubOrchestratorWithRetry: 3,
  ContinueAsNew: 4,
  CreateTimer: 5,
  WaitForExternalEvent: 6,
  CallEntity: 7,
  CallHttp: 8,
  SignalEntity: 9,
  WhenAny: 11,
  WhenAll: 12,
  LockEntities: 13,
  ReleaseEntities: 14,
} as const;

const retryOptions = z.object({
  firstRetryIntervalInMilliseconds: z.number().positive(),
  maxNumberOfAttempts: z.number().int(),
  backoffCoefficient: z.number().optional(),
  maxRetryIntervalInMilliseconds: z.number().optional(),
  retryTimeoutInMilliseconds: z.number().optional(),
});

export type RetryOptions = z.infer<typeof retryOptions>;

const action = z.object({
  actionType: z.number().int(),
  functionName: z.string().optional(),
  input: z.unknown().optional(),
  instanceId: z.string().nullish(),
  fireAt: z.string().optional(),
  isCanceled: z.boolean().optional(),
  externalEventName: z.string().optional(),
  retryOptions: retryOptions.optional(),
  get compoundActions() {
    return z.array(action).optional();
  },
});

export type Action = z.infer<typeof action>;

const orchestratorState = z.object({
  isDone: z.boolean(),
  actions: z.array(z.array(action)),
  output: z.unknown().optional(),
  error: z.string().optional(),
  customStatus: z.unknown().optional(),
  failureDetails: z.unknown().optional(),
});

export interface OrchestratorState {
  isDone: boolean;
  /** In the order in which the orchestrator yielded them. */
  actions: Action[];
  output: unknown;
  error: string | undefined;
  customStatus: unknown;
  stack: string | undefined;
}

const OUT_OF_PROC_DATA = "\n\n$OutOfProcData$:";

/**
 * The state in an orchestrator function's outcome. An orchestrator that threw answers with an error whose message carries
 * its state.
 * @throws Error when the function failed without telling its state
 */
export function readOrchestratorState(outcome: Extract<Outcome, { kind: "succeeded" | "failed" }>): OrchestratorState {
  if (outcome.kind === "failed") {
    const start = outcome.error.message.indexOf(OUT_OF_PROC_DATA);
    if (start === -1) {
      throw new Error(outcome.error.message);
    }
    return parse(outcome.error.message.slice(start + OUT_OF_PROC_DATA.length), outcome.error.stack);
  }
  const { returnValue } = outcome.response;
  const text = returnValue?.json ?? returnValue?.string;
  if (text === undefined) {
    throw new Error("the orchestrator function answered nothing.");
  }
  return parse(text, undefined);
}

function parse(text: string, stack: string | undefined): OrchestratorState {
  const { actions, ...state } = orchestratorState.parse(JSON.parse(text));
  return {
    isDone: state.isDone,
    actions: actions.flat(),
    output: state.output ?? null,
    error: state.error,
    customStatus: state.customStatus,
    stack,
  };
}
