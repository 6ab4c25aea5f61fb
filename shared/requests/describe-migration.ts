/** A migration as ARM's Migration resource: what every verb answers. No secret is ever in it. */
import { flagText } from "../model/flag.js";
import { type MigrationResource, maximumInt32 } from "../model/migration-resource.js";
import { migrationResourceId, migrationType, serverResourceId } from "../model/resource-id.js";
import { locationOfHost } from "../model/server-location.js";
import { databaseHasEnded, databaseStateAtEnd, hasEnded } from "../model/states.js";
import { type DatabaseRow, listDatabases } from "../status/databases.js";
import type { MigrationRow } from "../status/migrations.js";
import { listValidations } from "../status/validations.js";
import { isoDuration } from "./iso-duration.js";
import { regionOf } from "./known-location.js";
import { validationDetails, validationStage } from "./validation-details.js";

function metadataOf(version: string | undefined, location: string | undefined) {
  return version === undefined ? undefined : { version, location };
}

/** The resource, aggregated from the tables. Undefined properties are left out of the JSON. */
export async function describeMigration(row: MigrationRow): Promise<MigrationResource> {
  const [databases, validations] = await Promise.all([
    listDatabases(row.key),
    row.option === "Migrate" ? [] : listValidations(row.key),
  ]);
  const startTime = startOf(row);
  return {
    id: migrationResourceId(row),
    name: row.name,
    type: migrationType,
    location: row.location,
    tags: row.tags,
    systemData: {
      createdAt: row.createdOn,
      createdBy: row.createdBy,
      createdByType: row.createdBy === undefined ? undefined : "User",
      lastModifiedAt: row.updatedOn,
      lastModifiedBy: row.lastModifiedBy,
      lastModifiedByType: row.lastModifiedBy === undefined ? undefined : "User",
    },
    properties: {
      migrationId: row.migrationId,
      currentStatus: {
        state: row.state,
        error: row.error,
        currentSubStateDetails: {
          // Azure's word for every end, not only a good one.
          currentSubState: row.substate ?? (hasEnded(row.state) ? "Completed" : undefined),
          dbDetails: Object.fromEntries(
            databases.map((database) => [database.database, databaseDetails(row, database)]),
          ),
          validationDetails: validationDetails(validations, validationStage(row)),
        },
      },
      startTime,
      endTime: row.endedOn,
      duration: isoDuration(startTime, row.endedOn ?? new Date().toISOString()),
      migrationInstanceResourceId: row.migrationInstanceResourceId,
      migrationMode: row.mode,
      migrationOption: row.option,
      sourceType: row.sourceType,
      sslMode: row.sslMode,
      targetSslMode: row.targetSslMode,
      sourceAuthentication: authenticationOf(row.sourceAuthentication),
      targetAuthentication: authenticationOf(row.targetAuthentication),
      sourceDbServerMetadata: metadataOf(row.sourceVersion, locationOfHost(row.sourceHost)),
      // A migration is where its target is, as ARM has it.
      targetDbServerMetadata: metadataOf(row.targetVersion, locationOfHost(row.targetHost) ?? regionOf(row)),
      sourceDbServerResourceId: row.sourceDbServerResourceId,
      sourceDbServerFullyQualifiedDomainName: row.sourceDbServerFullyQualifiedDomainName,
      targetDbServerResourceId: serverResourceId(row),
      targetDbServerFullyQualifiedDomainName: row.targetDbServerFullyQualifiedDomainName,
      dbsToMigrate: row.databases,
      overwriteDbsInTarget: flagText(row.overwriteDbsInTarget),
      migrateRoles: flagText(row.migrateRoles),
      notifications:
        row.notificationsOrigin === undefined
          ? undefined
          : { origin: row.notificationsOrigin, problem: row.notificationProblem },
      verification: row.verification,
      verifyAtCutover: row.verifyAtCutover,
      setupLogicalReplicationOnSourceDbIfNeeded: flagText(row.setupLogicalReplicationOnSourceDbIfNeeded),
      startDataMigration: flagText(row.startDataMigration),
      migrationWindowStartTimeInUtc: row.migrationWindowStartTimeInUtc,
      migrationWindowEndTimeInUtc: row.migrationWindowEndTimeInUtc,
      triggerCutover: flagText(row.triggerCutover),
      dbsToTriggerCutoverOn: row.dbsToTriggerCutoverOn,
      cancel: flagText(row.cancel),
      dbsToCancelMigrationOn: row.dbsToCancelMigrationOn,
    },
  };
}

/** When a migration began: what lists are ordered by. It never changes, so pages of a list fit together. */
export function startOf(row: MigrationRow): string {
  return row.createdOn ?? new Date(0).toISOString();
}

type DatabaseDetails = NonNullable<
  NonNullable<MigrationResource["properties"]["currentStatus"]["currentSubStateDetails"]>["dbDetails"]
>[string];

/** The SDK's DatabaseMigrationState; latency in seconds, as ARM has it. */
function databaseDetails(migration: MigrationRow, database: DatabaseRow): DatabaseDetails {
  const online = migration.mode === "Online";
  return {
    databaseName: database.database,
    migrationState: stateOf(migration, database),
    migrationOperation: migration.option,
    startedOn: database.startedOn,
    endedOn: database.endedOn,
    fullLoadQueuedTables: int32(database.tablesQueued),
    fullLoadErroredTables: int32(database.tablesErrored),
    fullLoadLoadingTables: int32(database.tablesLoading),
    fullLoadCompletedTables: int32(database.tablesCompleted),
    ...(online && replicationCounters(database)),
    message: [database.message, database.warnings].filter((text) => (text ?? "") !== "").join("\n") || undefined,
  };
}

function replicationCounters(database: DatabaseRow) {
  const incomingChanges = int32(database.incomingChanges);
  // Where the counter stops, the distance between the two must not: 0 means that nothing waits.
  const waiting = Math.max(0, database.incomingChanges - database.appliedChanges);
  return {
    cdcUpdateCounter: int32(database.cdcUpdateCounter),
    cdcDeleteCounter: int32(database.cdcDeleteCounter),
    cdcInsertCounter: int32(database.cdcInsertCounter),
    appliedChanges: int32(incomingChanges - waiting),
    incomingChanges,
    latency: int32(database.latencySeconds),
  };
}

/** A whole number that 32 bits hold, saturated. */
function int32(value: number): number {
  return Math.min(maximumInt32, Math.max(0, Math.round(value)));
}

/**
 * ARM has no state for a database whose turn has not come. In a migration that has ended every database has ended: a row that says otherwise
 * was written by a step that came too late.
 */
function stateOf(migration: MigrationRow, { state }: DatabaseRow): DatabaseDetails["migrationState"] {
  if (state !== undefined && databaseHasEnded(state)) return state;
  return hasEnded(migration.state) ? databaseStateAtEnd(migration.state, state) : (state ?? "InProgress");
}

/** ARM has no such field: it is there only where it says something. */
function authenticationOf(column: string | undefined): "Entra" | undefined {
  return column === "Entra" ? column : undefined;
}
