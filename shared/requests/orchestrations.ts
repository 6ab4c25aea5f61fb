/** What the requests and the janitor need of Durable: the triggers supply it from their durable client. */
import type { OrchestrationControl } from "../lifecycle/orchestration-control.js";
import type { MigrationSpec } from "../model/migration.js";
import type { StatementsRetryInput } from "../model/steps.js";

/** External events of the root orchestration and what they carry: a contract with operators, who may raise them too. */
export interface MigrationEvents {
  Cutover: { databases?: readonly string[] };
  Cancel: { databases?: readonly string[] };
  /** Without a specification: whatever is to be migrated by now. */
  ConfirmOverwrite: { specification?: number };
  StartDataMigration: Record<string, never>;
  SetupReplication: Record<string, never>;
  /** What is to be migrated has been changed; the number is the row's. */
  Respecify: { specification: number };
}

/** What our own orchestrations tell the root one; see sampleReplication. */
export interface InnerEvents {
  DatabaseCaughtUp: Record<string, never>;
}

export interface Orchestrations extends OrchestrationControl {
  /** Starts the migration's root orchestration unless it exists already. */
  ensureStarted(spec: MigrationSpec): Promise<void>;
  /** Starts trying a migration's refused statements again, unless this retry has been started already. */
  ensureRetry(input: StatementsRetryInput): Promise<void>;
  /** Raises an event on it. */
  raise<Name extends keyof (MigrationEvents & InnerEvents)>(
    key: string,
    name: Name,
    data: (MigrationEvents & InnerEvents)[Name],
  ): Promise<void>;
}
