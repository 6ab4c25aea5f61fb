/** What a subscription logs in to the source as: a role of its own where our user may make one, else our user himself. */
import { randomBytes } from "node:crypto";
import { type ClientBase, DatabaseError } from "pg";
import type { ReplicationNames } from "../model/replication-names.js";
import { ServiceError } from "../model/service-error.js";
import type { DatabaseRun } from "../model/steps.js";
import { withConnection } from "../postgres/connect.js";
import { createPublisherRole, dropPublisherRoles } from "../postgres/publisher-role.js";
import { type Publisher, tryPublisher } from "../postgres/subscription.js";
import { failureOf } from "../run/failure-of.js";
import type { MigrationServers } from "../run/servers.js";
import { addWarnings } from "../run/warnings.js";
import { recordDatabase } from "../status/databases.js";
import { publisherOf } from "./publisher.js";

/**
 * Makes the role and proves that the target gets in with it (the source's pg_hba.conf may name users). Notes which of the two it is, and warns where the source user's own
 * password comes to stand in the target's catalogue. To be called by one at a time.
 */
export async function ownPublisher(
  { key, database }: DatabaseRun,
  servers: MigrationServers,
  target: ClientBase,
  names: ReplicationNames,
): Promise<Publisher> {
  const plain = publisherOf(servers, database);
  const password = randomBytes(24).toString("base64url");
  const { authentication: _, ...endpoint } = plain.endpoint;
  const own: Publisher = { ...plain, endpoint: { ...endpoint, user: names.subscription }, password };
  try {
    await withConnection(servers.source(database, "subscribe"), (source) =>
      createPublisherRole(source, names.subscription, password, plain.major),
    );
    await tryPublisher(target, names, own);
    await recordDatabase(key, database, { ownPublisherRole: true });
    return own;
  } catch (error) {
    if (!(error instanceof DatabaseError) && !(error instanceof ServiceError && error.code === "SubscriptionFailed")) {
      throw error;
    }
    await withConnection(servers.source(database, "subscribe"), (source) => dropPublisherRoles(source, names.prefix));
    await recordDatabase(key, database, { ownPublisherRole: false });
    await addWarnings(key, database, [
      `The password of ${plain.endpoint.user} on the source stands in the target's pg_subscription, which superusers read, until the cutover: a role of its own could not be made for the ` +
        `subscription (${failureOf(error).message}). Change the password after the migration, or migrate as a superuser of the source or with CREATEROLE and REPLICATION.`,
    ]);
    return plain;
  }
}
