/** Before hours of copying: whether the target server itself reaches the source, which it has to follow afterwards. */
import { setTimeout as delay } from "node:timers/promises";
import { replicationNames } from "../model/replication-names.js";
import { ServiceError } from "../model/service-error.js";
import type { DatabaseRun } from "../model/steps.js";
import { withConnection } from "../postgres/connect.js";
import { tryPublisher } from "../postgres/subscription.js";
import { isTransient } from "../postgres/transient.js";
import type { MigrationServers } from "../run/servers.js";
import { publisherOf } from "./publisher.js";

/**
 * Seconds between attempts. We reach the source ourselves, so that an address which does not answer the target is wrong rather than being
 * restarted; and nothing is lost yet: whoever gave it should be told soon.
 */
const waitsSeconds = [1, 3];

/** @throws ServiceError SubscriptionFailed with the setting that says how the target reaches the source. */
export async function tryReach(run: DatabaseRun, servers: MigrationServers): Promise<void> {
  const { key, database, attempt } = run;
  const names = replicationNames(key, database, attempt);
  const publisher = publisherOf(servers, database);
  await withConnection(servers.target(database, "reach the source"), async (target) => {
    for (let failures = 0; ; failures++) {
      try {
        return await tryPublisher(target, names, publisher);
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        const wait = waitsSeconds[failures];
        // Without its cause: for Durable there is nothing to try again.
        if (!isTransient(error) || wait === undefined) throw new ServiceError(error.code, error.message);
        await delay(wait * 1_000);
      }
    }
  });
}
