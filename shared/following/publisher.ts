/** The source of a database's subscription, as the target server reaches it. */
import type { Publisher } from "../postgres/subscription.js";
import type { MigrationServers } from "../run/servers.js";
import { settings } from "../settings.js";

/** Settings say where the target finds the source, and how it knows the source's certificate; all else is the migration's. */
export function publisherOf(servers: MigrationServers, database: string): Publisher {
  const { sourceAddressesFromTarget, sourceRootCertificateOnTarget } = settings();
  const { endpoint, password } = servers.source(database, "");
  const elsewhere = sourceAddressesFromTarget.get(`${endpoint.host}:${endpoint.port}`);
  const colon = elsewhere?.lastIndexOf(":") ?? -1;
  const address =
    elsewhere === undefined ? {} : { host: elsewhere.slice(0, colon), port: Number(elsewhere.slice(colon + 1)) };
  return {
    endpoint: { ...endpoint, ...address },
    database,
    password,
    major: servers.sourceMajor,
    rootCertificate: sourceRootCertificateOnTarget,
  };
}
