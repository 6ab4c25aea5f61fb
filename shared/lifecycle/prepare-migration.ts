/** The first step: both servers reached, versions that go together, databases that exist. */

import type pg from "pg";
import type { MigrationSpec } from "../model/migration.js";
import { ServiceError } from "../model/service-error.js";
import type { PreparedMigration } from "../model/steps.js";
import { connect, endSession, proveOneBackend, withConnection } from "../postgres/connect.js";
import { maySilenceEventTriggers } from "../postgres/event-triggers.js";
import { proveDifferentServers } from "../postgres/same-server.js";
import { serverVersion } from "../postgres/source-tables.js";
import { connectSource } from "../run/connect-source.js";
import { type MigrationServers, maintenanceDatabase, serversOf } from "../run/servers.js";
import { settings } from "../settings.js";
import { updateMigration } from "../status/migrations.js";
import { isPlatformFault } from "../status/platform-fault.js";

/** pg_dump 18 reads servers from 9.2 on; what we read of the catalog ourselves is there from 9.5 on. */
const oldestSource = 90_500;

const presentDatabases = `
  select datname as database, datallowconn as allows_connections
  from pg_catalog.pg_database
  where datname = any ($1)
`;

/**
 * @throws ServiceError that says which server, version or database is in the way, and what to do about it. When the migration is validated, the
 * rules say so, and this does not.
 */
export async function prepareMigration(key: string): Promise<PreparedMigration> {
  const servers = await serversOf(key);
  const finding = findDatabasesOnTarget(servers);
  const databasesOnTarget = await (servers.spec.option === "Migrate"
    ? finding
    : finding.catch(noneUnlessPlatformFault));
  const {
    maxParallelCopies,
    maxParallelIndexBuilds,
    activityBudgetSeconds,
    migrationTimeoutDays,
    cutoverTimeoutDays,
    sampleIntervalSeconds,
    longestTimerSeconds,
  } = settings();
  return {
    limits: {
      maxParallelCopies,
      maxParallelIndexBuilds,
      activityBudgetSeconds,
      migrationTimeoutDays,
      cutoverTimeoutDays,
      sampleIntervalSeconds,
      longestTimerSeconds,
    },
    databasesOnTarget,
  };
}

/** The rules of the validation tell what is wrong with a server. */
function noneUnlessPlatformFault(error: unknown): string[] {
  if (isPlatformFault(error)) throw error;
  return [];
}

async function findDatabasesOnTarget(servers: MigrationServers): Promise<string[]> {
  const { spec, target } = servers;
  const onSource = await openProbe(servers);
  try {
    const { rows } = await onSource.query<{ database: string; allows_connections: boolean }>(presentDatabases, [
      spec.databases,
    ]);
    refuseMissing(spec, rows);
    const sourceVersion = await serverVersion(onSource);
    return await withConnection(target(maintenanceDatabase, "probe"), async (onTarget) => {
      await proveOneBackend(onTarget, target(maintenanceDatabase, "probe"));
      await proveDifferentServers(onSource, onTarget, spec);
      const targetVersion = await serverVersion(onTarget);
      await updateMigration(spec.key, {
        sourceVersion: String(major(sourceVersion)),
        targetVersion: String(major(targetVersion)),
        sourceEventTriggersOff: await maySilenceEventTriggers(onSource),
        targetEventTriggersOff: await maySilenceEventTriggers(onTarget),
      });
      refuseVersions(sourceVersion, targetVersion);
      const present = await onTarget.query<{ database: string }>(presentDatabases, [spec.databases]);
      return present.rows.map(({ database }) => database);
    });
  } finally {
    await endSession(onSource);
  }
}

/** In a database that is not migrated, where there is one for us: this session may fire login triggers, those after it know better. */
async function openProbe(servers: MigrationServers): Promise<pg.Client> {
  const { spec, source } = servers;
  const [firstDatabase] = spec.databases;
  if (firstDatabase === undefined)
    throw new ServiceError("NoDatabases", "Name the databases to migrate in dbsToMigrate.");
  const client = await connectSource(servers, "probe", { preferred: maintenanceDatabase }).catch(
    async (error: unknown) => {
      // pg_hba.conf may let us into the migrated databases only.
      if (!(error instanceof ServiceError && error.code === "AuthenticationFailed")) throw error;
      return await connect(source(firstDatabase, "probe"));
    },
  );
  try {
    await proveOneBackend(client, source(client.database ?? firstDatabase, "probe"));
    return client;
  } catch (error) {
    await endSession(client);
    throw error;
  }
}

function refuseMissing(
  { databases, source }: MigrationSpec,
  present: readonly { database: string; allows_connections: boolean }[],
): void {
  const missing = databases.filter((name) => !present.some(({ database }) => database === name));
  if (missing.length > 0) {
    throw new ServiceError(
      "SourceDatabaseNotFound",
      `${source.host}:${source.port} has no database ${missing.join(", ")}. Correct dbsToMigrate; names are compared with case.`,
      { target: "dbsToMigrate" },
    );
  }
  const closed = present.filter(({ allows_connections }) => !allows_connections).map(({ database }) => database);
  if (closed.length > 0) {
    throw new ServiceError(
      "SourceDatabaseClosed",
      `Source database ${closed.join(", ")} does not allow connections. Run: ALTER DATABASE … WITH ALLOW_CONNECTIONS true;`,
      { target: "dbsToMigrate" },
    );
  }
}

function refuseVersions(source: number, target: number): void {
  if (source < oldestSource) {
    throw new ServiceError(
      "SourceTooOld",
      `The source is PostgreSQL ${major(source)}; 9.5 is the oldest that can be migrated. Upgrade it first.`,
    );
  }
  if (major(target) < major(source)) {
    throw new ServiceError(
      "TargetTooOld",
      `The target is PostgreSQL ${major(target)}, older than the source (${major(source)}). Choose a target of version ${major(source)} or later.`,
    );
  }
}

/** 120022 is 12; 90524 counts as 9. */
function major(version: number): number {
  return Math.floor(version / 10_000);
}
