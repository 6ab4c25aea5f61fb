/** The users of servers that requests name none for. Azure reads the administrator from its own resource; this service has no such resource. */

import { azureHost } from "../model/server-address.js";
import type { AdministratorOf } from "../model/server-fields.js";
import { settings } from "../settings.js";
import { listMigrations } from "../status/migrations.js";

/**
 * As the setting SERVER_ADMINISTRATORS has it, else as the newest migration under this target server had it, for the same host and port.
 * @param server the target server that the request's path names
 */
export async function administratorsFor(server: string): Promise<AdministratorOf> {
  const { serverAdministrators } = settings();
  const newestFirst = (await listMigrations(server)).sort((one, other) =>
    (one.createdOn ?? "") < (other.createdOn ?? "") ? 1 : -1,
  );
  const azureSuffix = azureHost("");
  return ({ host, port }) => {
    const name = host.toLowerCase();
    const azureName = name.endsWith(azureSuffix) ? name.slice(0, -azureSuffix.length) : undefined;
    const set = [`${name}:${port}`, name, azureName].flatMap((key) =>
      key === undefined ? [] : (serverAdministrators.get(key) ?? []),
    )[0];
    const earlier = newestFirst.flatMap((row) => [
      ...(row.targetHost === host && row.targetPort === port ? [row.targetUser] : []),
      ...(row.sourceHost === host && row.sourcePort === port ? [row.sourceUser] : []),
    ])[0];
    return set ?? earlier ?? serverAdministrators.get("*");
  };
}
