/** GET /targetServers: every target server that has migrations, whatever its subscription and resource group. */
import { serverResourceId } from "../model/resource-id.js";
import { hasEnded } from "../model/states.js";
import { listAllMigrations } from "../status/migrations.js";

interface TargetServer {
  id: string;
  name: string;
  subscriptionId: string;
  resourceGroup: string;
  migrations: number;
  activeMigrations: number;
  /** Those that wait for somebody to do something. */
  waitingMigrations: number;
  lastStartedOn: string | undefined;
}

/** Latest start first. */
export async function listTargetServers(): Promise<readonly TargetServer[]> {
  const servers = new Map<string, TargetServer>();
  for await (const row of listAllMigrations()) {
    const id = serverResourceId(row);
    const server = servers.get(id.toLowerCase()) ?? {
      id,
      name: row.server,
      subscriptionId: row.subscriptionId,
      resourceGroup: row.resourceGroup,
      migrations: 0,
      activeMigrations: 0,
      waitingMigrations: 0,
      lastStartedOn: undefined,
    };
    server.migrations += 1;
    if (!hasEnded(row.state)) server.activeMigrations += 1;
    if (row.state === "WaitingForUserAction") server.waitingMigrations += 1;
    if ((row.createdOn ?? "") > (server.lastStartedOn ?? "")) server.lastStartedOn = row.createdOn;
    servers.set(id.toLowerCase(), server);
  }
  return [...servers.values()].sort((one, other) => ((one.lastStartedOn ?? "") < (other.lastStartedOn ?? "") ? 1 : -1));
}
