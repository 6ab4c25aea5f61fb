/** The end of a migration: its sessions ended on both servers, its secrets deleted, its databases free for others. */
import { setTimeout as delay } from "node:timers/promises";
import { dropReplication } from "../following/drop-replication.js";
import { isTransient } from "../postgres/transient.js";
import { endSessionsOnBothServers } from "../run/end-sessions.js";
import { failureOf } from "../run/failure-of.js";
import { serversOf } from "../run/servers.js";
import { releaseClaims } from "../status/claims.js";
import { listDatabases } from "../status/databases.js";
import { updateMigration } from "../status/migrations.js";
import { isPlatformFault } from "../status/platform-fault.js";
import { deleteSecrets } from "../status/secrets.js";
import { dropTargetLedger } from "./drop-target-ledger.js";
import { leaveRoles } from "./migrate-roles.js";

/** Seconds between attempts to reach a server that does not answer. */
const waitsSeconds = [1, 3, 10];

/**
 * Converges: what could not be cleaned up is told by name.
 * @param migrated whether there were more than a validation's sessions, which end by themselves.
 * @throws faults of the platform alone
 */
export async function endMigration(key: string, migrated: boolean): Promise<{ leftBehind?: string }> {
  const leftBehind = migrated ? await cleanUpServers(key) : [];
  await deleteSecrets(key);
  await updateMigration(key, { requestFingerprint: "" });
  await releaseClaims(key);
  return leftBehind.length === 0 ? {} : { leftBehind: leftBehind.join("\n") };
}

/**
 * Ends and drops what the migration has on both servers, for as long as its passwords are there. Converges.
 * @returns what is left, by name, with what to do about it
 */
export async function cleanUpServers(key: string): Promise<string[]> {
  const leftBehind = [
    await endSessionsPatiently(key),
    await leaveRolesPatiently(key),
    ...(await dropRemains(key)).flat(),
  ];
  return leftBehind.filter((text) => text !== undefined);
}

/**
 * What a database's own end could not drop, because a server was away: by now it may be back. Or it had no end of its own, because its
 * orchestration was terminated.
 */
async function dropRemains(key: string): Promise<(string | undefined)[][]> {
  const rows = await listDatabases(key);
  return await Promise.all(
    rows.map(async (row) => [
      await dropTargetLedger(key, row),
      await dropReplication({ key, database: row.database, attempt: Math.max(1, row.snapshotAttempt) }),
    ]),
  );
}

/** Memberships that stay give our user no more than it could give itself: they are told, and keep nothing else. */
async function leaveRolesPatiently(key: string): Promise<string | undefined> {
  let problem: string | undefined;
  for (const seconds of [0, ...waitsSeconds]) {
    await delay(seconds * 1_000);
    try {
      await leaveRoles(key);
      return undefined;
    } catch (error) {
      const failure = failureOf(error);
      if (failure.code === "SecretsMissing") return undefined;
      if (isPlatformFault(error)) throw error;
      problem = failure.message;
      if (!isTransient(error)) break;
    }
  }
  return (
    `The migration's user may still be a member of the roles that it has made on the target (${problem}). ` +
    "To end that, run there for each: REVOKE role FROM user;"
  );
}

async function endSessionsPatiently(key: string): Promise<string | undefined> {
  let problem: string | undefined;
  for (const seconds of [0, ...waitsSeconds]) {
    await delay(seconds * 1_000);
    try {
      const leftOver = await endSessionsOnBothServers(await serversOf(key));
      if (leftOver === 0) return undefined;
      problem = `${leftOver} sessions did not end`;
    } catch (error) {
      const failure = failureOf(error);
      // A second runner comes after the first has deleted the secrets: all is done.
      if (failure.code === "SecretsMissing") return undefined;
      if (isPlatformFault(error)) throw error;
      problem = failure.message;
      // A password or a certificate that is refused will be refused again.
      if (!isTransient(error)) break;
    }
  }
  return (
    `Sessions of the migration may be left (${problem}). They end by themselves within minutes; to end them now, run on both servers: ` +
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'migration %';"
  );
}
