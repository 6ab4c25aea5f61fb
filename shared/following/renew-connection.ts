/** A password that was changed by PATCH, given to the target's subscription too: it would go on with the old one for ever. */
import type { ClientBase } from "pg";
import type { ReplicationNames } from "../model/replication-names.js";
import type { DatabaseRun } from "../model/steps.js";
import { setPublisher } from "../postgres/subscription.js";
import type { MigrationServers } from "../run/servers.js";
import { getDatabase, recordDatabase } from "../status/databases.js";
import { publisherOf } from "./publisher.js";

/** Does nothing unless a password has changed. Converges. */
export async function renewConnection(
  { key, database }: DatabaseRun,
  servers: MigrationServers,
  target: ClientBase,
  names: ReplicationNames,
): Promise<void> {
  const row = await getDatabase(key, database);
  if (row?.connectionOutdated !== true) return;
  // Before: a password that changes meanwhile asks for it again.
  await recordDatabase(key, database, { connectionOutdated: false });
  // A role of the subscription's own has a password of its own.
  if (row.ownPublisherRole) return;
  await setPublisher(target, names, publisherOf(servers, database));
}
