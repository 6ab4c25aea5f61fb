/**
 * The Azure resources that clients ask for before they ask for a migration: subscriptions, resource groups, providers, servers. This service has
 * none of its own; it answers what its migrations, and the names in a request, tell of them.
 */

import type { ServerPath } from "../model/migration-path.js";
import { migrationType, serverResourceId } from "../model/resource-id.js";
import { azureHost } from "../model/server-address.js";
import { listAllMigrations, listMigrations, type MigrationRow } from "../status/migrations.js";

/** The subscription that is answered where none is known, so that a client can sign in before the first migration. */
const noSubscription = "00000000-0000-0000-0000-000000000000";
const provider = "Microsoft.DBforPostgreSQL";
const someLocation = "local";

/** @param owner WEBSITE_OWNER_NAME of App Service: the app's own subscription, before a "+" */
export async function listSubscriptions(owner: string | undefined) {
  const own = owner?.split("+")[0];
  const known = new Map<string, string>();
  if (own !== undefined && own !== "") known.set(own.toLowerCase(), own);
  for await (const { subscriptionId } of listAllMigrations()) {
    if (!known.has(subscriptionId.toLowerCase())) known.set(subscriptionId.toLowerCase(), subscriptionId);
  }
  if (known.size === 0) known.set(noSubscription, noSubscription);
  return [...known.values()].map(describeSubscription);
}

export function describeSubscription(subscriptionId: string) {
  return {
    id: `/subscriptions/${subscriptionId}`,
    subscriptionId,
    displayName: `Migrations of ${subscriptionId}`,
    state: "Enabled",
    authorizationSource: "RoleBased",
  };
}

export async function listResourceGroups(subscriptionId: string) {
  const groups = new Map<string, MigrationRow>();
  for await (const row of listAllMigrations()) {
    const key = row.resourceGroup.toLowerCase();
    if (row.subscriptionId.toLowerCase() === subscriptionId.toLowerCase() && !groups.has(key)) groups.set(key, row);
  }
  return [...groups.values()].map((row) => describeResourceGroup(subscriptionId, row.resourceGroup, row.location));
}

/** Any group may hold a target: it need not be known. */
export function describeResourceGroup(subscriptionId: string, name: string, location = someLocation) {
  return {
    id: `/subscriptions/${subscriptionId}/resourceGroups/${name}`,
    name,
    type: "Microsoft.Resources/resourceGroups",
    location,
    properties: { provisioningState: "Succeeded" },
  };
}

export function describeProvider(subscriptionId: string) {
  return {
    id: `/subscriptions/${subscriptionId}/providers/${provider}`,
    namespace: provider,
    registrationState: "Registered",
    registrationPolicy: "RegistrationRequired",
    resourceTypes: [`${provider}/flexibleServers`, migrationType].map((type) => ({
      resourceType: type.slice(provider.length + 1),
      locations: [],
      apiVersions: ["2025-08-01"],
    })),
  };
}

/** The majors that a target may have. */
const targetVersions = ["18", "17", "16", "15", "14", "13", "12", "11", "10"];

export function describeCapabilities() {
  return [
    {
      name: "FlexibleServerCapabilities",
      status: "Available",
      supportedServerEditions: [],
      supportedServerVersions: targetVersions.map((name) => ({
        name,
        status: "Available",
        supportedVersionsToUpgrade: [],
      })),
    },
  ];
}

/** A target server as its newest migration has it; before the first one, as its name tells. */
export async function describeServer(path: ServerPath) {
  const rows = (await listMigrations(path.server)).filter(
    (row) =>
      row.subscriptionId.toLowerCase() === path.subscriptionId.toLowerCase() &&
      row.resourceGroup.toLowerCase() === path.resourceGroup.toLowerCase(),
  );
  return serverAs(path, newest(rows));
}

/** The target servers that migrations are known of, in a subscription or one of its groups. */
export async function listServers(subscriptionId: string, resourceGroup?: string) {
  const servers = new Map<string, MigrationRow[]>();
  for await (const row of listAllMigrations()) {
    if (row.subscriptionId.toLowerCase() !== subscriptionId.toLowerCase()) continue;
    if (resourceGroup !== undefined && row.resourceGroup.toLowerCase() !== resourceGroup.toLowerCase()) continue;
    const id = serverResourceId(row).toLowerCase();
    servers.set(id, [...(servers.get(id) ?? []), row]);
  }
  return [...servers.values()].flatMap((rows) => {
    const row = newest(rows);
    return row === undefined ? [] : [serverAs(row, row)];
  });
}

function newest(rows: readonly MigrationRow[]): MigrationRow | undefined {
  return rows.reduce<MigrationRow | undefined>(
    (latest, row) => ((row.createdOn ?? "") > (latest?.createdOn ?? "") ? row : latest),
    undefined,
  );
}

function serverAs(path: ServerPath, row: MigrationRow | undefined) {
  return {
    id: serverResourceId(path),
    name: path.server,
    type: `${provider}/flexibleServers`,
    location: row?.location ?? someLocation,
    properties: {
      fullyQualifiedDomainName: row?.targetHost ?? azureHost(path.server),
      administratorLogin: row?.targetUser,
      version: row?.targetVersion,
      state: "Ready",
    },
  };
}
