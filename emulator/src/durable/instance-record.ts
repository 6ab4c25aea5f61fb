export type RuntimeStatus =
  | "Pending"
  | "Running"
  | "Suspended"
  | "Completed"
  | "Failed"
  | "Terminated"
  | "ContinuedAsNew"
  | "Canceled";

/** One orchestration instance: a row of the table {hub}Instances. */
export interface InstanceRecord {
  instanceId: string;
  /** Changes with every continue-as-new; a result that belongs to another execution is dropped. */
  executionId: string;
  /** Counts executions from 0; history rows are kept per generation. */
  generation: number;
  name: string;
  /** The orchestration version that it was started with (host.json, defaultVersion); it keeps it, whatever is deployed later. */
  version: string;
  /** JSON. */
  input: string;
  /** JSON of the output; the reason in plain words when it failed or was terminated. */
  output: string | undefined;
  /** JSON. */
  customStatus: string | undefined;
  runtimeStatus: RuntimeStatus;
  createdTime: Date;
  lastUpdatedTime: Date;
  completedTime: Date | undefined;
  /** How many history rows of this generation are committed; rows beyond are the remains of a turn that was cut short. */
  historyLength: number;
  parent: { instanceId: string; executionId: string; taskId: number } | undefined;
}

export function isTerminal(status: RuntimeStatus): boolean {
  return status === "Completed" || status === "Failed" || status === "Terminated" || status === "Canceled";
}
