/** Creating the target database of a run: from template0, as the source's database is, with our ledger in it. */
import type pg from "pg";
import { DatabaseError } from "pg";
import { tryReach } from "../following/try-reach.js";
import { freeLedgerName } from "../ledger/ledger-name.js";
import { createLedger } from "../ledger/ledger-schema.js";
import { ServiceError } from "../model/service-error.js";
import type { DatabaseRun } from "../model/steps.js";
import { connect, endSession, withConnection } from "../postgres/connect.js";
import { createDatabase, dropDatabase } from "../postgres/create-database.js";
import { readDatabaseProperties } from "../postgres/database-properties.js";
import { proveDifferentServers } from "../postgres/same-server.js";
import { noteStep } from "../run/note-step.js";
import { type MigrationServers, serversOf } from "../run/servers.js";
import { getDatabase, recordDatabase } from "../status/databases.js";
import { clearStatements } from "../status/statements.js";
import { clearParts } from "../status/tables.js";

const lockDatabaseName =
  "select pg_catalog.pg_advisory_lock(pg_catalog.hashtext('migration'), pg_catalog.hashtext($1))";

const databaseExists = "select from pg_catalog.pg_database where datname = $1";

/** Seconds to wait for another runner of this activity. */
const lockTimeoutSeconds = 120;

/**
 * Replaces or creates the target database. The decision to drop is taken under an advisory lock and acted upon in the session that holds it, and
 * the run is noted in the status tables before the lock is released. So a second runner, however late it wakes up, cannot drop what the first one
 * has begun to load: either its session, and with it its lock and its DROP, is gone, or it sees the note.
 */
export async function prepareTarget(run: DatabaseRun): Promise<void> {
  await noteStep(run, "creating the database");
  const servers = await serversOf(run.key);
  const maintenance = await connect(servers.targetMaintenance("create database"));
  try {
    await maintenance.query(`set lock_timeout = '${lockTimeoutSeconds}s'`);
    await maintenance.query(lockDatabaseName, [run.database]);
    await createUnlessDone(run, servers, maintenance);
  } finally {
    await endSession(maintenance);
  }
}

async function createUnlessDone(run: DatabaseRun, servers: MigrationServers, maintenance: pg.Client): Promise<void> {
  const { key, database, attempt } = run;
  const row = await getDatabase(key, database);
  if (row === undefined || row.attempt >= attempt || row.endedOn !== undefined) return;
  // Asked anew in the session that replaces it: an address may lead elsewhere by now.
  const { properties, ledger } = await withConnection(servers.source(database, "create database"), async (source) => {
    await proveDifferentServers(source, maintenance, servers.spec);
    return { properties: await readDatabaseProperties(source), ledger: await freeLedgerName(source) };
  });
  if ((await maintenance.query(databaseExists, [database])).rowCount !== 0) {
    refuseUnlessOurs(run, servers, row.targetCreated);
    await dropDatabase(maintenance, database);
  }
  await recordDatabase(key, database, { targetCreated: true, ledger });
  try {
    await createDatabase(maintenance, database, properties);
  } catch (error) {
    throw explainRefusal(error, servers, database);
  }
  await withConnection(servers.target(database, "create ledger"), (target) =>
    createLedger(target, `${key} ${attempt}`, ledger),
  );
  if (servers.spec.mode === "Online") await tryReach(run, servers);
  await clearParts(key, database);
  await clearStatements(key, database);
  await recordDatabase(key, database, { attempt });
}

/** Without overwriteDbsInTarget only a database that this migration itself has created may be replaced. */
function refuseUnlessOurs(run: DatabaseRun, servers: MigrationServers, createdByUs: boolean): void {
  if (servers.spec.overwriteDbsInTarget || createdByUs) return;
  throw new ServiceError(
    "TargetDatabaseExists",
    `Database ${run.database} is on the target and overwriteDbsInTarget is False. Drop or rename it, or set overwriteDbsInTarget to True.`,
    { target: run.database },
  );
}

function explainRefusal(error: unknown, servers: MigrationServers, database: string): unknown {
  if (!(error instanceof DatabaseError) || error.code !== "42501") return error;
  const { user } = servers.spec.target;
  return new ServiceError(
    "TargetPrivilegeMissing",
    `${user} may not create database ${database} on the target (${error.message}). Run there: ALTER ROLE "${user}" CREATEDB;`,
    { target: database, cause: error },
  );
}
