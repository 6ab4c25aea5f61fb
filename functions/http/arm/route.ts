/** The paths of the HTTP API; host.json's route prefix is empty, so they are the whole paths, as ARM has them. */
const servers =
  "subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.DBforPostgreSQL/flexibleServers";

export const serverRoute = `${servers}/{serverName}`;
export const migrationsRoute = `${serverRoute}/migrations`;
export const migrationRoute = `${migrationsRoute}/{migrationName}`;
