/**
 * The last of a database that arrived: what binds everybody who connects, its event triggers and its own properties. Our schema is dropped before, so
 * that neither a trigger, nor a setting, nor the connection limit keeps us from it, and none of our statements is in anybody's log.
 */
import type pg from "pg";
import { dropReplication } from "../following/drop-replication.js";
import { findPlan, readJob } from "../ledger/jobs.js";
import { dropLedger, hasLedger } from "../ledger/ledger-schema.js";
import { readDatabaseProgress } from "../ledger/parts.js";
import type { DatabaseRun } from "../model/steps.js";
import { withConnection } from "../postgres/connect.js";
import { applyDatabaseProperties, readDatabaseProperties } from "../postgres/database-properties.js";
import { endingTask, endSessions } from "../postgres/sessions.js";
import { keepUnapplied, rowOf } from "../run/keep-unapplied.js";
import { noteStep } from "../run/note-step.js";
import { refusalOfSession } from "../run/refusal-of-session.js";
import { type MigrationServers, serversOf } from "../run/servers.js";
import { applyUnrecorded } from "../schema/apply-statements.js";
import type { SchemaStatement } from "../schema/schema-statement.js";
import { getDatabase, recordDatabase } from "../status/databases.js";
import { recordStatements } from "../status/statements.js";
import { switchOnJobs } from "./switch-on-jobs.js";

/** After every statement of the schema. */
const firstOrder = 8_000_000;

/** Converges. From its first commit on nobody connects to the database any more: its triggers fire, and its limits hold, for us too. */
export async function finishDatabase(run: DatabaseRun): Promise<void> {
  const { key, database } = run;
  await noteStep(run, "finishing");
  const servers = await serversOf(key);
  const properties = await withConnection(servers.source(database, "properties"), readDatabaseProperties);
  // What cannot be dropped now is tried again, and told, by endDatabase().
  await dropReplication(run);
  const row = await getDatabase(key, database);
  if (row?.ledgerDropped !== true) {
    await switchOnJobs(run, servers);
    await leave(run, servers);
    await recordDatabase(key, database, { ledgerDropped: true });
  }
  const ready = servers.spec.mode === "Online" && row?.readyForApplicationOn === undefined;
  const left = await withConnection(servers.targetMaintenance("properties"), (maintenance) =>
    applyDatabaseProperties(maintenance, database, properties, () =>
      refusalOfSession(servers.target(database, "properties")),
    ),
  );
  // From here on the target is what the source was: what is left to do is about the migration.
  if (ready) await recordDatabase(key, database, { readyForApplicationOn: new Date().toISOString() });
  const rows = left.map(({ object, sql, ...told }, index) =>
    rowOf(
      run,
      { statement: { kind: "databaseProperty", object, sql }, fate: "leftOut", ...told },
      { order: firstOrder + index, id: "1" },
    ),
  );
  await recordStatements(key, rows);
}

/**
 * Drops our schema, wakes what was quiet while changes were applied, and creates the event triggers in one transaction, in this order: event triggers do not fire for statements about event triggers
 * (PostgreSQL docs, "Overview of Event Trigger Behavior"). What the ledger knew is in the status tables before the commit.
 */
async function leave(run: DatabaseRun, servers: MigrationServers): Promise<void> {
  const { key, database } = run;
  await withConnection(servers.targetMaintenance(endingTask), (client) =>
    endSessions(client, { migrationKey: key, database }),
  );
  await withConnection(servers.target(database, endingTask), async (target) => {
    if (!(await hasLedger(target))) return;
    await recordDatabase(key, database, await readDatabaseProgress(target));
    const last = await readLast(target);
    await target.query("begin");
    await dropLedger(target);
    const left = await applyUnrecorded(target, last);
    if (left.length > 0) await keepUnapplied(run, left);
    await target.query("commit");
  });
}

async function readLast(target: pg.Client): Promise<readonly SchemaStatement[]> {
  const plan = await findPlan(target);
  if (plan === undefined || plan.last === null) return [];
  const { content } = await readJob(target, plan.last);
  return content.kind === "groups" ? content.groups.flatMap(({ statements }) => statements) : [];
}
