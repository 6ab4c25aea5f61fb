/** Dropping what an online migration has made on both servers, on every way out. */
import { setTimeout as delay } from "node:timers/promises";
import { replicationNames } from "../model/replication-names.js";
import { ServiceError } from "../model/service-error.js";
import type { DatabaseRun } from "../model/steps.js";
import { withConnection } from "../postgres/connect.js";
import { quoteIdentifier } from "../postgres/identifiers.js";
import { dropPublications } from "../postgres/publication.js";
import { dropPublisherRoles } from "../postgres/publisher-role.js";
import { dropSlots } from "../postgres/replication-slot.js";
import { forgetSubscriberSettings } from "../postgres/subscriber-settings.js";
import { dropSubscriptions } from "../postgres/subscription.js";
import { failureOf } from "../run/failure-of.js";
import { serversOf } from "../run/servers.js";
import { getDatabase, recordDatabase } from "../status/databases.js";
import { getMigration } from "../status/migrations.js";
import { isPlatformFault } from "../status/platform-fault.js";

/** Seconds between attempts to reach a server that does not answer. */
const waitsSeconds = [1, 3, 10];

/**
 * Drops subscription, slot and publications; each side on its own, so that one that does not answer does not keep the other's. Converges.
 * @returns what is left, by name, with the SQL that drops it; undefined when nothing is
 * @throws faults of the platform alone
 */
export async function dropReplication(run: DatabaseRun): Promise<string | undefined> {
  const { key, database, attempt } = run;
  const row = await getDatabase(key, database);
  if (row?.replication === undefined || row.replication === "dropped") return undefined;
  const names = replicationNames(key, database, attempt);
  const [onTarget, onSource] = await Promise.all([
    patiently(async () => {
      const servers = await serversOf(key);
      await withConnection(servers.target(database, "end"), async (target) => {
        await dropSubscriptions(target, names.prefix);
        await forgetSubscriberSettings(target);
      });
    }),
    patiently(async () => {
      const servers = await serversOf(key);
      await withConnection(servers.source(database, "end"), async (source) => {
        await dropSlots(source, names.prefix);
        await dropPublications(source, names.prefix);
        await dropPublisherRoles(source, names.prefix);
      });
    }),
  ]);
  if (onTarget === undefined && onSource === undefined) {
    await recordDatabase(key, database, { replication: "dropped" });
    return undefined;
  }
  return [
    onTarget === undefined
      ? undefined
      : `Subscription ${names.subscription} may be left in target database ${database} (${onTarget}). Run there: ALTER SUBSCRIPTION ${names.subscription} DISABLE; ` +
        `ALTER SUBSCRIPTION ${names.subscription} SET (slot_name = NONE); DROP SUBSCRIPTION ${names.subscription}; ${await resetOfSettings(key, database)}`,
    onSource === undefined
      ? undefined
      : `Replication slot ${names.slot} and publications ${names.allChanges}, ${names.insertsOnly} and ${names.nothing} may be left in source database ${database} (${onSource}), and role ` +
        `${names.subscription}; a slot that nobody reads keeps the source's WAL and fills its disk. Run there: SELECT pg_drop_replication_slot('${names.slot}'); ` +
        `DROP PUBLICATION IF EXISTS ${names.allChanges}, ${names.insertsOnly}, ${names.nothing}; DROP ROLE IF EXISTS ${names.subscription};`,
  ]
    .filter((text) => text !== undefined)
    .join("\n");
}

/** What a subscription's workers had neutral: nothing else is set for our user in a database that we have created. */
async function resetOfSettings(key: string, database: string): Promise<string> {
  const user = (await getMigration(key))?.targetUser ?? "";
  return `ALTER ROLE ${quoteIdentifier(user)} IN DATABASE ${quoteIdentifier(database)} RESET ALL;`;
}

/** The last problem, when every attempt met one. */
async function patiently(work: () => Promise<void>): Promise<string | undefined> {
  let problem: string | undefined;
  for (const seconds of [0, ...waitsSeconds]) {
    await delay(seconds * 1_000);
    try {
      await work();
      return undefined;
    } catch (error) {
      // Neither slot nor subscription can be in a database that is not there.
      if (error instanceof ServiceError && (error.code === "DatabaseNotFound" || error.code === "SecretsMissing"))
        return undefined;
      // What to drop is not known then, nor how to get there: the whole step is tried again.
      if (isPlatformFault(error)) throw error;
      problem = failureOf(error).message;
    }
  }
  return problem;
}
