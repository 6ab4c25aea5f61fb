/**
 * The steps of a migration that orchestrations call: the name of each activity, what it is given and what it answers. Both sides use these types, so that they
 * cannot drift apart.
 */
import { z } from "zod";
import type { MigrationSpec } from "./migration.js";
import { Failure } from "./outcome.js";
import { DatabaseState, MigrationState, MigrationSubstate } from "./states.js";

export const MigrationStep = z.object({ key: z.string() });

/** One run of the base copy of one database: what most activities are about. */
export const DatabaseRun = z.object({
  /** The migration's key. */
  key: z.string(),
  database: z.string(),
  /** 1, and one more whenever the copy starts over from a new snapshot. */
  attempt: z.number().int(),
});
export type DatabaseRun = z.infer<typeof DatabaseRun>;

/** One database of a migration, before or beside the runs of its base copy. */
export const DatabaseStep = z.object({ key: z.string(), database: z.string() });
export type DatabaseStep = z.infer<typeof DatabaseStep>;

export const MigrationEnd = MigrationStep.extend({
  /** Whether databases have been worked on: then sessions that do not end are told of. Those of a validation end by themselves. */
  migrated: z.boolean(),
});

export const Transition = z.object({
  key: z.string(),
  /** Rises by one with every transition: what has been recorded once is not recorded again. */
  sequence: z.number().int(),
  state: MigrationState,
  substate: MigrationSubstate.optional(),
  error: z.string().optional(),
  /** What it is about; see recordTransition(). */
  specification: z.number().int().optional(),
});

/** A step that is about what is to be migrated as it was then: it does nothing when that has been changed since. */
export const SpecificationStep = MigrationStep.extend({ specification: z.number().int().default(0) });

/** Whether a transition was recorded; undefined in histories of versions that did not ask. */
export interface Recorded {
  readonly recorded: boolean;
}

/** What is to be migrated by now. */
export interface Respecified {
  readonly spec: MigrationSpec;
  /** Its number: 0 as created, and one more with every change. */
  readonly specification: number;
  /** Databases of it whose cancel has been asked for. */
  readonly canceled: readonly string[];
}

export const DatabaseEnd = DatabaseRun.extend({
  state: DatabaseState,
  failure: Failure.optional(),
});
export type DatabaseEnd = z.infer<typeof DatabaseEnd>;

/** How a database has ended. */
export interface DatabaseEnding {
  readonly state: DatabaseState;
  readonly failure?: Failure;
}

/** Trying the statements of a database again that its migration could not apply. */
export const StatementsRetry = DatabaseRun.extend({
  /** The user of the target to do it as, when it is not the migration's. */
  user: z.string().optional(),
  /** Tells the retries of a migration apart. */
  retry: z.number().int(),
});
export type StatementsRetry = z.infer<typeof StatementsRetry>;

/** What the orchestration of a retry is started with. */
export interface StatementsRetryInput {
  readonly key: string;
  /** The sequence number of its first transition. */
  readonly transition: number;
  readonly user?: string;
  readonly databases: readonly { readonly database: string; readonly attempt: number }[];
}

/** Limits of the app's settings, as of the migration's start: an orchestration must not read a setting that may change between replays. */
export interface Limits {
  readonly maxParallelCopies: number;
  readonly maxParallelIndexBuilds: number;
  readonly activityBudgetSeconds: number;
  readonly migrationTimeoutDays: number;
  readonly cutoverTimeoutDays: number;
  readonly sampleIntervalSeconds: number;
  readonly longestTimerSeconds: number;
}

export interface PreparedMigration {
  readonly limits: Limits;
  /** Databases of the migration that the target has already. */
  readonly databasesOnTarget: readonly string[];
}

export interface CopyPlan {
  /** The job that creates what the rows need. */
  readonly preData: number;
  /** How many rounds there are: each is one copy orchestration. */
  readonly rounds: number;
  /** What comes after the data: phases in order, the jobs of one phase in any order. */
  readonly afterData: readonly (readonly number[])[];
  /** What comes after the proof, likewise: from then on tables may hide rows from us, or be somebody else's. */
  readonly afterProof: readonly (readonly number[])[];
  /** The job that is applied when the ledger is gone; null when there is none. */
  readonly last: number | null;
}

/** Indexes and constraints that one activity builds, once the tasks that load their tables are done. */
export interface IndexJob {
  readonly job: number;
  /** The copy tasks that must be done before; those that are not of this round have been. */
  readonly after: readonly number[];
}

/** The proof of what one copy task has loaded. */
export interface ProofTask {
  /** The copy task's number. */
  readonly task: number;
  /** The copy tasks that must be done before: those that load the same tables. */
  readonly after: readonly number[];
}

export interface CopyRound {
  readonly tasks: readonly number[];
  readonly jobs: readonly IndexJob[];
  readonly proofs: readonly ProofTask[];
}

export interface CopiedTask {
  /** False when the activity budget was used up: the parts that are in stay in, and the task is to be run again for the others. */
  readonly done: boolean;
  /** The first table that could not be copied. */
  readonly failure?: Failure;
  /** As Progressed has it. */
  readonly busy?: true;
}

/** What a validation activity tells its orchestration; the rules' outcomes are in the status tables. */
export interface ValidationVerdict {
  /** False when it had to hand on before all rules were checked: it is called again. */
  readonly done: boolean;
  /** How many rules Failed, of those checked so far. */
  readonly failed: number;
}

/** How far the preparation of both servers for replication is. */
export interface ReplicationSetUp {
  readonly ready: boolean;
  /** The migration is being cancelled, or something else is to be migrated by now: nobody waits for it any more. */
  readonly over: boolean;
  /** What it waits for, and what to do about it. */
  readonly message: string;
}

/** What one sample of a database that follows its source hands to the next. */
export const FollowState = z.object({
  /** Positions of the source's WAL and when they were current (milliseconds of the source's clock), from the last one that the target has confirmed. */
  marks: z.array(z.object({ lsn: z.string(), at: z.number() })),
  /** What the target has to have applied to have caught up: the source's position at the first sample. */
  goal: z.string().optional(),
  /** Failures of the subscription's worker. */
  errors: z.number(),
  /** Why the worker does not get on, as found where the slot was then; not asked again before `until` (milliseconds), for meanwhile the worker cannot have the slot. */
  explained: z.object({ at: z.string(), reason: z.string().optional(), until: z.number() }).optional(),
  /** Whether changes were not fetched or applied: a worker that is just starting is not standing still. */
  standing: z.boolean().optional(),
  /** Whether the migration has been told that the database has caught up. */
  announced: z.boolean(),
});
export type FollowState = z.infer<typeof FollowState>;

export interface ReplicationSample {
  readonly state: FollowState;
  readonly caughtUp: boolean;
  /** Whether somebody has asked for the cutover. */
  readonly cutover: boolean;
}

/** The databases of a migration that follow their source, as its root has to know them. */
export interface CaughtUp {
  readonly caughtUp: readonly string[];
  /** Those that follow again: how many of their cutovers have failed, and why the last one has. Histories of earlier builds have it not. */
  readonly failedCutovers?: readonly {
    readonly database: string;
    readonly failures: number;
    readonly message: string;
  }[];
}

/** An activity that had to hand on before all was done is called again. */
export interface Progressed {
  readonly done: boolean;
  /** It has done nothing, because its instance has as many long steps as it may: call it later, with fewer at once. */
  readonly busy?: true;
}

/** Every activity: what it is given, and what it answers with. */
export interface Steps {
  prepareMigration: { input: z.infer<typeof MigrationStep>; output: PreparedMigration };
  confirmOverwrite: { input: z.infer<typeof SpecificationStep>; output: void };
  respecify: { input: z.infer<typeof MigrationStep>; output: Respecified };
  migrateRoles: { input: z.infer<typeof MigrationStep>; output: void };
  recordTransition: { input: z.infer<typeof Transition>; output: Recorded | undefined };
  requestCancel: { input: { key: string; databases: readonly string[] }; output: void };
  /** Always ends well: what could not be cleaned up is told by name. */
  endMigration: { input: z.infer<typeof MigrationEnd>; output: { leftBehind?: string } };

  validateServers: { input: z.infer<typeof MigrationStep>; output: ValidationVerdict };
  validateDatabase: { input: DatabaseStep; output: ValidationVerdict };

  openSnapshot: { input: DatabaseRun; output: void };
  relaySnapshot: { input: DatabaseRun & { generation: number }; output: { open: boolean } };
  closeSnapshot: { input: DatabaseRun & { relay: string }; output: void };

  prepareTarget: { input: DatabaseRun; output: void };
  planDatabase: { input: DatabaseRun; output: CopyPlan };
  readRound: { input: DatabaseRun & { round: number }; output: CopyRound };
  copyTask: { input: DatabaseRun & { task: number }; output: CopiedTask };
  proveTask: { input: DatabaseRun & { task: number }; output: Progressed };
  applyJob: { input: DatabaseRun & { job: number }; output: Progressed };
  setSequences: { input: DatabaseRun; output: void };
  finishDatabase: { input: DatabaseRun; output: void };
  verifyDatabase: { input: DatabaseRun; output: void };
  endDatabase: { input: DatabaseEnd; output: DatabaseEnding };

  // Statements that were refused, tried again after the migration has ended.
  retryStatements: { input: StatementsRetry; output: Progressed };
  endDatabaseRetry: { input: DatabaseRun; output: DatabaseEnding };
  endRetry: { input: z.infer<typeof MigrationStep>; output: { state: MigrationState; error?: string } };

  // Online migrations.
  setUpReplication: { input: z.infer<typeof SpecificationStep>; output: ReplicationSetUp };
  allowReplicationSetUp: { input: z.infer<typeof MigrationStep>; output: void };
  startFollowing: { input: DatabaseRun; output: void };
  sampleReplication: { input: DatabaseRun & { root: string; state: FollowState }; output: ReplicationSample };
  readCaughtUp: { input: z.infer<typeof MigrationStep>; output: CaughtUp };
  requestCutover: { input: { key: string; databases: readonly string[] }; output: void };
  reachCutoverPoint: { input: DatabaseRun; output: Progressed };
  completeCutover: { input: DatabaseRun & { from: number }; output: { next: number | null } };
  resumeFollowing: { input: DatabaseRun & { root: string; failure: Failure }; output: void };
}
export type StepName = keyof Steps;
