/**
 * The states a migration and its databases can be in: ARM's enumerations, as @azure/arm-postgresql-flexible 9.0.0 types them
 * (KnownMigrationState, KnownMigrationSubstate, KnownMigrationDatabaseState).
 */
import { z } from "zod";

export const migrationStates = [
  "InProgress",
  "WaitingForUserAction",
  "Canceled",
  "Failed",
  "Succeeded",
  "ValidationFailed",
  "CleaningUp",
] as const;
export const MigrationState = z.enum(migrationStates);
export type MigrationState = z.infer<typeof MigrationState>;

export const migrationSubstates = [
  "PerformingPreRequisiteSteps",
  "WaitingForLogicalReplicationSetupRequestOnSourceDB",
  "WaitingForDBsToMigrateSpecification",
  "WaitingForTargetDBOverwriteConfirmation",
  "WaitingForDataMigrationScheduling",
  "WaitingForDataMigrationWindow",
  "MigratingData",
  "WaitingForCutoverTrigger",
  "CompletingMigration",
  "Completed",
  "CancelingRequestedDBMigrations",
  "ValidationInProgress",
] as const;
export const MigrationSubstate = z.enum(migrationSubstates);
export type MigrationSubstate = z.infer<typeof MigrationSubstate>;

export const databaseStates = [
  "InProgress",
  "WaitingForCutoverTrigger",
  "Failed",
  "Canceled",
  "Succeeded",
  "Canceling",
] as const;
export const DatabaseState = z.enum(databaseStates);
export type DatabaseState = z.infer<typeof DatabaseState>;

/** KnownValidationState of the SDK. */
export const validationStates = ["Failed", "Succeeded", "Warning"] as const;

/** A part (or, aggregated over its parts, a table) of the base copy. */
export const partStates = ["queued", "loading", "completed", "errored"] as const;
export const PartState = z.enum(partStates);
export type PartState = z.infer<typeof PartState>;

const ended: ReadonlySet<MigrationState> = new Set(["Canceled", "Failed", "Succeeded", "ValidationFailed"]);

/** Whether the migration has come to its end: nothing of it runs, and it cannot be cancelled any more. */
export function hasEnded(state: MigrationState): boolean {
  return ended.has(state);
}

const endedDatabase: ReadonlySet<DatabaseState> = new Set(["Failed", "Canceled", "Succeeded"]);

/** Whether a database has come to its end. */
export function databaseHasEnded(state: DatabaseState): boolean {
  return endedDatabase.has(state);
}

/**
 * How a database has ended that had not when its migration did: nothing was done to it, or its validation was all there was to do.
 * @param state what its row says
 */
export function databaseStateAtEnd(migration: MigrationState, state: DatabaseState | undefined): DatabaseState {
  if (migration === "Canceled" || state === "Canceling") return "Canceled";
  return migration === "Succeeded" ? "Succeeded" : "Failed";
}
