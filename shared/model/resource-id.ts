/** ARM resource IDs of this service's resources. */

/** The resource type of a migration. */
export const migrationType = "Microsoft.DBforPostgreSQL/flexibleServers/migrations";

/** The ID of a target server, which migrations hang under. */
export function serverResourceId(server: { subscriptionId: string; resourceGroup: string; server: string }): string {
  return `/subscriptions/${server.subscriptionId}/resourceGroups/${server.resourceGroup}/providers/Microsoft.DBforPostgreSQL/flexibleServers/${server.server}`;
}

/** The ID of a migration: its path in the HTTP API. */
export function migrationResourceId(migration: {
  subscriptionId: string;
  resourceGroup: string;
  server: string;
  name: string;
}): string {
  return `${serverResourceId(migration)}/migrations/${migration.name}`;
}
