/**
 * Table `Migrations`: one row a migration, PartitionKey the target server, RowKey the migration's name, both in lower case.
 * Every change of state or substate is announced by one CloudEvent on the queue `migration-events`.
 */
import { z } from "zod";
import { type MigrationSpec, migrationModes, migrationOptions, sslModes } from "../model/migration.js";
import { hasEnded, MigrationState, MigrationSubstate, migrationStates } from "../model/states.js";
import { Verification } from "../model/verification.js";
import { announceTransition } from "./events.js";
import {
  booleanColumn,
  type Columns,
  entity,
  getRow,
  isStatus,
  numberColumn,
  odata,
  optionalText,
  queryRows,
  type Row,
  table,
  textColumn,
  timeColumn,
} from "./storage.js";
import { keepTransition } from "./transitions.js";

const text = z.string();
const jsonColumn = <T extends z.ZodType>(shape: T, otherwise: string) =>
  z
    .string()
    .optional()
    .transform((json): unknown => JSON.parse(json || otherwise))
    .pipe(shape);

const MigrationRowColumns = z.object({
  etag: text,
  partitionKey: text,
  rowKey: text,
  migrationId: text,
  /** The migration's key: see migrationKey(). */
  key: text,
  subscriptionId: text,
  resourceGroup: text,
  /** Server and name as they were first written; the keys have them in lower case. */
  server: text,
  name: text,
  location: text,
  tags: jsonColumn(z.record(z.string(), z.string()), "{}"),
  mode: z.enum(migrationModes),
  option: z.enum(migrationOptions),
  sourceType: textColumn,
  sslMode: z.enum(sslModes),
  sourceHost: text,
  sourcePort: numberColumn,
  sourceUser: text,
  targetHost: text,
  targetPort: numberColumn,
  targetUser: text,
  /** TLS on the target, which the resource has no field for. */
  targetSslMode: z.enum(sslModes),
  /** "Entra", or empty for a password. */
  sourceAuthentication: optionalText,
  targetAuthentication: optionalText,
  /** As the request wrote them. */
  sourceDbServerResourceId: optionalText,
  sourceDbServerFullyQualifiedDomainName: optionalText,
  targetDbServerFullyQualifiedDomainName: optionalText,
  /** A JSON list: names may hold commas. */
  databases: jsonColumn(z.array(z.string()), "[]"),
  overwriteDbsInTarget: booleanColumn,
  /** Whether that was said of these databases since the migration was created: it says nothing of others. */
  overwriteConfirmed: booleanColumn,
  /** How often it has been changed what is to be migrated: see respecify(). */
  specification: numberColumn,
  migrateRoles: booleanColumn,
  verification: Verification.optional(),
  verifyAtCutover: Verification.optional(),
  /** The roles that the migration has made on the target, or was about to. A JSON list. */
  createdRoles: jsonColumn(z.array(z.string()), "[]"),
  /** Whether it needs its own memberships in them no more. */
  rolesLeft: booleanColumn,
  setupLogicalReplicationOnSourceDbIfNeeded: booleanColumn,
  startDataMigration: booleanColumn,
  migrationWindowStartTimeInUtc: timeColumn,
  migrationWindowEndTimeInUtc: timeColumn,
  triggerCutover: booleanColumn,
  dbsToTriggerCutoverOn: jsonColumn(z.array(z.string()), "[]"),
  cancel: booleanColumn,
  dbsToCancelMigrationOn: jsonColumn(z.array(z.string()), "[]"),
  /** See secrets/seal.ts: tells a repeated PUT from another one. */
  requestFingerprint: textColumn,
  sourceVersion: optionalText,
  targetVersion: optionalText,
  /** Whether our user may switch event triggers off there: then our sessions begin without. */
  sourceEventTriggersOff: booleanColumn,
  targetEventTriggersOff: booleanColumn,
  state: MigrationState,
  substate: z.preprocess((value) => (value === "" ? undefined : value), MigrationSubstate.optional()),
  error: optionalText,
  /** Sequence number of the last transition recorded; 0 after creation. */
  transition: numberColumn,
  createdOn: timeColumn,
  startedOn: timeColumn,
  updatedOn: timeColumn,
  endedOn: timeColumn,
  /** Kept for who gave it, and answered. */
  migrationInstanceResourceId: optionalText,
  /** Who created it and who changed it last, where callers are signed in. */
  createdBy: optionalText,
  lastModifiedBy: optionalText,
  /** Who asked for what, a line a request, the latest last. */
  audit: textColumn,
  /** Sealed, until the migration ends: see notifications.ts. And where to, for people. */
  notifications: optionalText,
  notificationsOrigin: optionalText,
  /** What is in the way of them. */
  notificationProblem: optionalText,
  /** When every rule of the validation had been checked. */
  validatedOn: timeColumn,
});

/** A row of `Migrations`, parsed. Times are ISO 8601, UTC. */
export type MigrationRow = z.infer<typeof MigrationRowColumns>;

/** What a new row holds beside the spec. */
export interface NewMigration {
  readonly spec: MigrationSpec;
  readonly migrationId: string;
  readonly requestFingerprint: string;
  readonly location: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly sourceType: string | undefined;
  readonly sourceDbServerResourceId: string | undefined;
  readonly sourceDbServerFullyQualifiedDomainName: string | undefined;
  readonly targetDbServerFullyQualifiedDomainName: string | undefined;
  readonly migrationInstanceResourceId?: string | undefined;
  readonly triggerCutover?: boolean;
  readonly dbsToTriggerCutoverOn?: readonly string[];
  readonly createdBy?: string | undefined;
  readonly audit?: string;
  /** Sealed. */
  readonly notificationsSealed?: string | undefined;
  readonly notificationsOrigin?: string | undefined;
}

/** A change of state, as the root orchestration numbers them: 1, 2, 3 … */
export interface Transition {
  readonly sequence: number;
  readonly state: MigrationState;
  readonly substate?: MigrationSubstate | undefined;
  readonly error?: string | undefined;
  /** The specification that the transition is about: it is not recorded when there is a newer one. */
  readonly specification?: number | undefined;
}

/** Columns that change after creation without being a transition. */
export interface MigrationPatch {
  readonly tags?: Readonly<Record<string, string>> | undefined;
  readonly databases?: readonly string[] | undefined;
  readonly mode?: MigrationSpec["mode"] | undefined;
  readonly specification?: number | undefined;
  readonly overwriteDbsInTarget?: boolean | undefined;
  readonly overwriteConfirmed?: boolean | undefined;
  readonly migrateRoles?: boolean | undefined;
  readonly createdRoles?: readonly string[] | undefined;
  readonly rolesLeft?: boolean | undefined;
  readonly setupLogicalReplicationOnSourceDbIfNeeded?: boolean | undefined;
  readonly startDataMigration?: boolean | undefined;
  readonly migrationWindowStartTimeInUtc?: string | undefined;
  readonly migrationWindowEndTimeInUtc?: string | undefined;
  readonly triggerCutover?: boolean | undefined;
  readonly dbsToTriggerCutoverOn?: readonly string[] | undefined;
  readonly cancel?: boolean | undefined;
  readonly dbsToCancelMigrationOn?: readonly string[] | undefined;
  readonly sourceVersion?: string | undefined;
  readonly targetVersion?: string | undefined;
  readonly lastModifiedBy?: string | undefined;
  readonly audit?: string | undefined;
  readonly notificationProblem?: string | undefined;
  readonly sourceEventTriggersOff?: boolean | undefined;
  readonly targetEventTriggersOff?: boolean | undefined;
  /** Empty when the migration has ended: passwords could be tried against it for as long as the row is there. */
  readonly requestFingerprint?: "" | undefined;
}

/** The row with this key, or undefined. */
export async function getMigration(key: string): Promise<MigrationRow | undefined> {
  const row = await getRow("Migrations", ...keys(key));
  return row && parse(row);
}

/** The migrations under a target server, by name; only those that have not ended if `active`. */
export async function listMigrations(server: string, options: { active?: boolean } = {}): Promise<MigrationRow[]> {
  const rows: MigrationRow[] = [];
  for await (const row of queryRows("Migrations", odata`PartitionKey eq ${server.toLowerCase()}`)) {
    const migration = parse(row);
    if (options.active !== true || !hasEnded(migration.state)) rows.push(migration);
  }
  return rows;
}

/** Every migration there is, fetched while they are consumed. */
export async function* listAllMigrations(): AsyncGenerator<MigrationRow> {
  for await (const row of queryRows("Migrations", odata`PartitionKey ge ${""}`)) yield parse(row);
}

/** The migrations that have not ended, of all servers, fetched while they are consumed. */
export async function* listActiveMigrations(): AsyncGenerator<MigrationRow> {
  const active = migrationStates.filter((state) => !hasEnded(state)).map((state) => odata`state eq ${state}`);
  for await (const row of queryRows("Migrations", active.join(" or "))) yield parse(row);
}

/** The migrations that ended before, of all servers, fetched while they are consumed. */
export async function* listMigrationsEndedBefore(limit: Date): AsyncGenerator<MigrationRow> {
  for await (const row of queryRows("Migrations", odata`endedOn lt ${limit}`)) {
    const migration = parse(row);
    if (hasEnded(migration.state)) yield migration;
  }
}

/** Creates the row of a new migration, in state InProgress. Answers false, and changes nothing, when the key is taken. */
export async function insertMigration(migration: NewMigration): Promise<boolean> {
  const { spec } = migration;
  const now = new Date();
  const columns: Columns = {
    key: spec.key,
    name: spec.name,
    server: spec.server,
    state: "InProgress" satisfies MigrationState,
    substate: "PerformingPreRequisiteSteps" satisfies MigrationSubstate,
    mode: spec.mode,
    option: spec.option,
    sourceType: migration.sourceType,
    sslMode: spec.source.sslMode,
    sourceHost: spec.source.host,
    sourcePort: spec.source.port,
    sourceUser: spec.source.user,
    targetHost: spec.target.host,
    targetPort: spec.target.port,
    targetUser: spec.target.user,
    targetSslMode: spec.target.sslMode,
    sourceAuthentication: spec.source.authentication,
    targetAuthentication: spec.target.authentication,
    databases: JSON.stringify(spec.databases),
    overwriteDbsInTarget: spec.overwriteDbsInTarget,
    migrateRoles: spec.migrateRoles,
    verification: spec.verification,
    verifyAtCutover: spec.verifyAtCutover,
    setupLogicalReplicationOnSourceDbIfNeeded: spec.setupLogicalReplicationOnSourceDbIfNeeded,
    startDataMigration: spec.startDataMigration,
    migrationWindowStartTimeInUtc: time(spec.migrationWindowStartTimeInUtc),
    migrationWindowEndTimeInUtc: time(spec.migrationWindowEndTimeInUtc),
    sourceDbServerResourceId: migration.sourceDbServerResourceId,
    sourceDbServerFullyQualifiedDomainName: migration.sourceDbServerFullyQualifiedDomainName,
    targetDbServerFullyQualifiedDomainName: migration.targetDbServerFullyQualifiedDomainName,
    subscriptionId: spec.subscriptionId,
    resourceGroup: spec.resourceGroup,
    location: migration.location,
    tags: JSON.stringify(migration.tags),
    migrationId: migration.migrationId,
    requestFingerprint: migration.requestFingerprint,
    migrationInstanceResourceId: migration.migrationInstanceResourceId,
    triggerCutover: migration.triggerCutover,
    dbsToTriggerCutoverOn: json(migration.dbsToTriggerCutoverOn),
    createdBy: migration.createdBy,
    lastModifiedBy: migration.createdBy,
    audit: migration.audit,
    notifications: migration.notificationsSealed,
    notificationsOrigin: migration.notificationsOrigin,
    transition: 0,
    createdOn: now,
    updatedOn: now,
  };
  const client = await table("Migrations");
  try {
    await client.createEntity(entity(...keys(spec.key), columns));
    return true;
  } catch (error) {
    if (isStatus(error, 409)) return false;
    throw error;
  }
}

/**
 * Records a change of state. Safe to run twice and at the same time: a transition whose sequence number is not above the
 * row's is ignored. The event goes out before the row is written, so a crash between them announces it twice, never
 * not at all; consumers deduplicate by the event's id.
 * @returns false when what is to be migrated has been changed since the transition's specification.
 * @throws Error when there is no such migration.
 */
export async function recordTransition(key: string, transition: Transition): Promise<boolean> {
  const client = await table("Migrations");
  let announced = false;
  for (;;) {
    const migration = await getMigration(key);
    if (migration === undefined) throw new Error(`There is no migration ${key} to record a transition of.`);
    if (migration.transition >= transition.sequence) return true;
    if (migration.specification > (transition.specification ?? migration.specification)) return false;
    const now = new Date();
    const changed = migration.state !== transition.state || migration.substate !== transition.substate;
    // The first transition repeats what creation wrote; it is the one that tells listeners of the migration.
    if ((changed || migration.transition === 0) && !announced) {
      await announceTransition(migration, transition, now);
      announced = true;
    }
    const { specification: _, ...kept } = transition;
    await keepTransition(key, { ...kept, time: now });
    const columns: Columns = {
      transition: transition.sequence,
      state: transition.state,
      substate: transition.substate ?? "",
      error: transition.error ?? "",
      updatedOn: now,
      startedOn: migration.startedOn === undefined ? now : undefined,
      endedOn: hasEnded(transition.state) ? now : undefined,
      // Its last message has them.
      notifications: hasEnded(transition.state) ? "" : undefined,
      validatedOn: endsValidation(migration, transition) ? now : undefined,
    };
    try {
      await client.updateEntity(entity(...keys(key), columns), "Merge", { etag: migration.etag });
      return true;
    } catch (error) {
      if (!isStatus(error, 412)) throw error;
    }
  }
}

/** Only a migration whose rules have all been checked leaves the validation for anything but Canceled and Failed. */
function endsValidation(migration: MigrationRow, { state, substate }: Transition): boolean {
  if (migration.substate !== "ValidationInProgress" || substate === "ValidationInProgress") return false;
  return state !== "Canceled" && state !== "Failed";
}

/**
 * Merges columns into a migration's row.
 * @param etag the row must still have it; left out, whatever the row holds is merged into.
 * @returns false when the row has another ETag by now.
 */
export async function updateMigration(key: string, patch: MigrationPatch, etag?: string): Promise<boolean> {
  const columns: Columns = {
    ...patch,
    tags: json(patch.tags),
    databases: json(patch.databases),
    createdRoles: json(patch.createdRoles),
    dbsToTriggerCutoverOn: json(patch.dbsToTriggerCutoverOn),
    dbsToCancelMigrationOn: json(patch.dbsToCancelMigrationOn),
    migrationWindowStartTimeInUtc: time(patch.migrationWindowStartTimeInUtc),
    migrationWindowEndTimeInUtc: time(patch.migrationWindowEndTimeInUtc),
    updatedOn: new Date(),
  };
  const client = await table("Migrations");
  try {
    await client.updateEntity(entity(...keys(key), columns), "Merge", { etag: etag ?? "*" });
    return true;
  } catch (error) {
    if (isStatus(error, 412)) return false;
    throw error;
  }
}

/** Says what a migration waits for now, for as long as it is in that substate: it is no transition, and a later one wins. */
export async function recordWaitingMessage(key: string, substate: MigrationSubstate, message: string): Promise<void> {
  const migration = await getMigration(key);
  if (migration === undefined || migration.substate !== substate || migration.error === message) return;
  const client = await table("Migrations");
  const columns: Columns = { error: message, updatedOn: new Date() };
  try {
    await client.updateEntity(entity(...keys(key), columns), "Merge", { etag: migration.etag });
  } catch (error) {
    // Somebody has changed the row meanwhile: the next look tells it, if it is still so.
    if (!isStatus(error, 412)) throw error;
  }
}

/** What the orchestration was started with, from the row. */
export function specOf(row: MigrationRow): MigrationSpec {
  return {
    key: row.key,
    subscriptionId: row.subscriptionId,
    resourceGroup: row.resourceGroup,
    server: row.server,
    name: row.name,
    mode: row.mode,
    option: row.option,
    source: {
      host: row.sourceHost,
      port: row.sourcePort,
      user: row.sourceUser,
      sslMode: row.sslMode,
      ...(row.sourceAuthentication === "Entra" && { authentication: row.sourceAuthentication }),
    },
    target: {
      host: row.targetHost,
      port: row.targetPort,
      user: row.targetUser,
      sslMode: row.targetSslMode,
      ...(row.targetAuthentication === "Entra" && { authentication: row.targetAuthentication }),
    },
    databases: row.databases,
    overwriteDbsInTarget: row.overwriteDbsInTarget,
    migrateRoles: row.migrateRoles,
    ...(row.verification && { verification: row.verification }),
    ...(row.verifyAtCutover && { verifyAtCutover: row.verifyAtCutover }),
    setupLogicalReplicationOnSourceDbIfNeeded: row.setupLogicalReplicationOnSourceDbIfNeeded,
    startDataMigration: row.startDataMigration,
    ...(row.migrationWindowStartTimeInUtc && { migrationWindowStartTimeInUtc: row.migrationWindowStartTimeInUtc }),
    ...(row.migrationWindowEndTimeInUtc && { migrationWindowEndTimeInUtc: row.migrationWindowEndTimeInUtc }),
  };
}

function keys(key: string): [partitionKey: string, rowKey: string] {
  const [server = "", name = ""] = key.split("_");
  return [server, name];
}

function parse(row: Row): MigrationRow {
  return MigrationRowColumns.parse(row);
}

function json(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value);
}

function time(iso: string | undefined): Date | undefined {
  return iso === undefined ? undefined : new Date(iso);
}
