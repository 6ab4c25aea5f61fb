/** A migration as ARM's Migration resource: what every verb answers. No secret is ever in it. */
import { flagText } from "../model/flag.js";
import { migrationResourceId, migrationType, serverResourceId } from "../model/resource-id.js";
import { type DatabaseState, hasEnded, type MigrationState } from "../model/states.js";
import { type DatabaseRow, listDatabases } from "../status/databases.js";
import type { MigrationRow } from "../status/migrations.js";
import { listValidations } from "../status/validations.js";
import { validationDetails } from "./validation-details.js";

/** The resource, aggregated from the tables. Undefined properties are left out of the JSON. */
export async function describeMigration(row: MigrationRow) {
  const [databases, validations] = await Promise.all([
    listDatabases(row.key),
    row.option === "Migrate" ? [] : listValidations(row.key),
  ]);
  return {
    id: migrationResourceId(row),
    name: row.name,
    type: migrationType,
    location: row.location,
    tags: row.tags,
    systemData: { createdAt: row.createdOn, lastModifiedAt: row.updatedOn },
    properties: {
      migrationId: row.migrationId,
      currentStatus: {
        state: row.state,
        error: row.error,
        currentSubStateDetails: {
          currentSubState: row.substate,
          dbDetails: Object.fromEntries(
            databases.map((database) => [database.database, databaseDetails(row, database)]),
          ),
          validationDetails: validationDetails(validations, row.substate === "ValidationInProgress"),
        },
      },
      migrationMode: row.mode,
      migrationOption: row.option,
      sourceType: row.sourceType,
      sslMode: row.sslMode,
      sourceDbServerMetadata: row.sourceVersion === undefined ? undefined : { version: row.sourceVersion },
      targetDbServerMetadata: row.targetVersion === undefined ? undefined : { version: row.targetVersion },
      sourceDbServerResourceId: row.sourceDbServerResourceId,
      sourceDbServerFullyQualifiedDomainName: row.sourceDbServerFullyQualifiedDomainName,
      targetDbServerResourceId: serverResourceId(row),
      targetDbServerFullyQualifiedDomainName: row.targetDbServerFullyQualifiedDomainName,
      dbsToMigrate: row.databases,
      overwriteDbsInTarget: flagText(row.overwriteDbsInTarget),
      migrateRoles: flagText(row.migrateRoles),
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

/** The SDK's DatabaseMigrationState; latency in seconds, as ARM has it. */
function databaseDetails(migration: MigrationRow, database: DatabaseRow) {
  const online = migration.mode === "Online";
  return {
    databaseName: database.database,
    migrationState: database.state ?? stateWithoutTurn(migration.state),
    migrationOperation: migration.option,
    startedOn: database.startedOn,
    endedOn: database.endedOn,
    fullLoadQueuedTables: database.tablesQueued,
    fullLoadErroredTables: database.tablesErrored,
    fullLoadLoadingTables: database.tablesLoading,
    fullLoadCompletedTables: database.tablesCompleted,
    cdcUpdateCounter: online ? database.cdcUpdateCounter : undefined,
    cdcDeleteCounter: online ? database.cdcDeleteCounter : undefined,
    cdcInsertCounter: online ? database.cdcInsertCounter : undefined,
    appliedChanges: online ? database.appliedChanges : undefined,
    incomingChanges: online ? database.incomingChanges : undefined,
    latency: online ? database.latencySeconds : undefined,
    message: [database.message, database.warnings].filter((text) => (text ?? "") !== "").join("\n") || undefined,
  };
}

/** ARM has no state for a database whose turn has not come; when the migration has ended without it, only a cancel says how. */
function stateWithoutTurn(migration: MigrationState): DatabaseState | undefined {
  if (migration === "Canceled") return "Canceled";
  return hasEnded(migration) ? undefined : "InProgress";
}
