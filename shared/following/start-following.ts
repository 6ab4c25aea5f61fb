/** From the base copy to following: a subscription on the target, on the slot that the copy's snapshot came from. */
import { replicationNames } from "../model/replication-names.js";
import type { DatabaseRun } from "../model/steps.js";
import { withConnection } from "../postgres/connect.js";
import { readRowCounters } from "../postgres/row-counters.js";
import { createSubscription } from "../postgres/subscription.js";
import { describeRefusedWhileFollowing } from "../run/describe-statements.js";
import { serversOf } from "../run/servers.js";
import { addWarnings } from "../run/warnings.js";
import { getDatabase, recordDatabase } from "../status/databases.js";
import { listStatements } from "../status/statements.js";
import { publisherOf } from "./publisher.js";

/** Creates the subscription, or finds it. Nobody has written to the target between the copy's proof and this. */
export async function startFollowing(run: DatabaseRun): Promise<void> {
  const { key, database, attempt } = run;
  const servers = await serversOf(key);
  const names = replicationNames(key, database, attempt);
  const statements = (await listStatements(key, database)).filter((row) => row.attempt === attempt);
  await addWarnings(key, database, describeRefusedWhileFollowing(statements));
  await withConnection(servers.target(database, "subscribe"), async (target) => {
    const row = await getDatabase(key, database);
    if (row?.replication !== "following") {
      const counters = await readRowCounters(target);
      await recordDatabase(key, database, {
        currentStep: "following the source",
        cdcInsertBase: counters.inserted,
        cdcUpdateBase: counters.updated,
        cdcDeleteBase: counters.deleted,
      });
    }
    await createSubscription(target, names, publisherOf(servers, database));
    await recordDatabase(key, database, { replication: "following" });
  });
}
