/** Before an online migration begins: both servers able to replicate, the source's settings changed if we are asked to. */
import { anyMigrationPrefix } from "../model/replication-names.js";
import { ServiceError } from "../model/service-error.js";
import type { ReplicationSetUp } from "../model/steps.js";
import { withConnection } from "../postgres/connect.js";
import {
  changeSourceSettings,
  checkTarget,
  type MissingSetting,
  missingSourceSettings,
} from "../postgres/replication-readiness.js";
import { isTransient } from "../postgres/transient.js";
import { failureOf } from "../run/failure-of.js";
import { type MigrationServers, maintenanceDatabase, serversOf } from "../run/servers.js";
import { isCancelRequested } from "../status/databases.js";
import { getMigration, recordWaitingMessage, updateMigration } from "../status/migrations.js";

/**
 * Looks whether both servers can replicate; where the migration asks for it, changes the source's settings for its next start. Says what it waits for in the
 * migration's error.
 * A source that does not answer is probably being restarted.
 * @throws ServiceError for what neither a setting nor a restart mends
 */
export async function setUpReplication(key: string, specification: number): Promise<ReplicationSetUp> {
  const migration = await getMigration(key);
  if (migration !== undefined && migration.specification > specification) {
    return { ready: false, over: true, message: "" };
  }
  const setUp = await look(key);
  if (!setUp.ready && !setUp.over) {
    await recordWaitingMessage(key, "WaitingForLogicalReplicationSetupRequestOnSourceDB", setUp.message);
  }
  return setUp;
}

async function look(key: string): Promise<ReplicationSetUp> {
  const servers = await serversOf(key);
  const { databases } = servers.spec;
  const [first] = databases;
  if (first === undefined || (await isCancelRequested(key, first))) return { ready: false, over: true, message: "" };
  await withConnection(servers.target(maintenanceDatabase, "probe"), (target) => checkTarget(target, databases.length));
  try {
    return await withConnection(servers.source(first, "probe"), async (source) => {
      const missing = await missingSourceSettings(source, databases.length, anyMigrationPrefix);
      if (missing.length === 0) return { ready: true, over: false, message: "" };
      const message = await askForChange(servers, missing, () => changeSourceSettings(source, missing));
      return { ready: false, over: false, message };
    });
  } catch (error) {
    if (!isTransient(error)) throw error;
    return { ready: false, over: false, message: `${failureOf(error).message} The migration goes on when it answers.` };
  }
}

async function askForChange(
  { spec }: MigrationServers,
  missing: readonly MissingSetting[],
  change: () => Promise<void>,
): Promise<string> {
  const server = `${spec.source.host}:${spec.source.port}`;
  const are = missing.map(({ name, is, wanted }) => `${name} is ${is} and must be ${wanted}`).join(", ");
  const statements = missing.map(({ name, wanted }) => `ALTER SYSTEM SET ${name} = '${wanted}';`).join(" ");
  if (!spec.setupLogicalReplicationOnSourceDbIfNeeded) {
    return (
      `The source ${server} is not set up for logical replication: ${are}. PATCH setupLogicalReplicationOnSourceDbIfNeeded to "True" to have it set, ` +
      `or run ${statements} and restart the source. The migration goes on by itself then.`
    );
  }
  try {
    await change();
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return (
      `The source ${server} needs other settings for logical replication, and does not let us change them (${error.message}): ${are}. ` +
      "Set them as its administrator and restart it. The migration goes on by itself then."
    );
  }
  return `The source ${server} has been set up for logical replication (${statements}): restart it. The migration goes on by itself then.`;
}

/** Notes that somebody has raised SetupReplication: the next look changes the settings. */
export async function allowReplicationSetUp(key: string): Promise<void> {
  await updateMigration(key, { setupLogicalReplicationOnSourceDbIfNeeded: true });
}
