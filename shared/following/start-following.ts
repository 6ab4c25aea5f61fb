/** From the base copy to following: a subscription on the target, on the slot that the copy's snapshot came from. */
import { findBaseObjectsOnTarget } from "../ledger/base-objects.js";
import { replicationNames } from "../model/replication-names.js";
import type { DatabaseRun } from "../model/steps.js";
import { withConnection } from "../postgres/connect.js";
import { readRowCounters } from "../postgres/row-counters.js";
import { keepSubscriberNeutral } from "../postgres/subscriber-settings.js";
import { createSubscription, hasSubscription } from "../postgres/subscription.js";
import { describeRefusedWhileFollowing } from "../run/describe-statements.js";
import { serversOf } from "../run/servers.js";
import { addWarnings } from "../run/warnings.js";
import { getDatabase, recordDatabase } from "../status/databases.js";
import { listStatements } from "../status/statements.js";
import { ownPublisher } from "./own-publisher.js";

const lockRun =
  "select pg_catalog.pg_advisory_lock(pg_catalog.hashtext('migration subscription'), pg_catalog.hashtext($1))";

/** Seconds to wait for another runner of this step. */
const lockTimeoutSeconds = 120;

/** Creates the subscription, or finds it. Nobody has written to the target between the copy's proof and this. */
export async function startFollowing(run: DatabaseRun): Promise<void> {
  const { key, database, attempt } = run;
  const servers = await serversOf(key);
  const names = replicationNames(key, database, attempt);
  const statements = (await listStatements(key, database)).filter((row) => row.attempt === attempt);
  await addWarnings(key, database, describeRefusedWhileFollowing(statements));
  await withConnection(servers.target(database, "subscribe"), async (target) => {
    // A second runner must not change the password that the first has just given to the subscription.
    await target.query(`set lock_timeout = '${lockTimeoutSeconds}s'`);
    await target.query(lockRun, [names.prefix]);
    const row = await getDatabase(key, database);
    if (row?.replication !== "following") {
      await findBaseObjectsOnTarget(target);
      const counters = await readRowCounters(target);
      await recordDatabase(key, database, {
        currentStep: "following the source",
        cdcInsertBase: counters.inserted,
        cdcUpdateBase: counters.updated,
        cdcDeleteBase: counters.deleted,
      });
    }
    await keepSubscriberNeutral(target);
    if (!(await hasSubscription(target, names))) {
      await createSubscription(target, names, await ownPublisher(run, servers, target, names));
    }
    await recordDatabase(key, database, { replication: "following" });
  });
}
