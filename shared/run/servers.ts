/** The two servers of a migration, as its activities reach them: addresses from the resource, passwords unsealed in memory. */

import type { MigrationSpec, ServerEndpoint } from "../model/migration.js";
import { ServiceError } from "../model/service-error.js";
import { applicationName } from "../postgres/application-name.js";
import type { ConnectOptions } from "../postgres/connect.js";
import { getMigration, specOf } from "../status/migrations.js";
import { loadSecrets } from "../status/secrets.js";

/** The database that we are in when we ask about the server; every server has it. */
export const maintenanceDatabase = "postgres";

export interface MigrationServers {
  readonly spec: MigrationSpec;
  /** The source's major version; 10, the oldest that can be followed, until it is known. */
  readonly sourceMajor: number;
  /** How to connect to a database of the source for `task`, a word or two that pg_stat_activity will show. */
  source(database: string, task: string): ConnectOptions;
  target(database: string, task: string): ConnectOptions;
  /** How to connect to the target where none of the migration's databases is, so that each of them may be dropped and created. */
  targetMaintenance(task: string): ConnectOptions;
}

/** @throws ServiceError MigrationNotFound, SecretsMissing, or what unsealing throws. */
export async function serversOf(key: string): Promise<MigrationServers> {
  const row = await getMigration(key);
  if (row === undefined) throw new ServiceError("MigrationNotFound", `There is no migration ${key}.`);
  const spec = specOf(row);
  const passwords = await loadSecrets(key);
  const reach =
    (endpoint: ServerEndpoint, password: string, withoutEventTriggers: boolean) =>
    (database: string, task: string) => ({
      endpoint,
      password,
      database,
      applicationName: applicationName(key, task),
      withoutEventTriggers,
    });
  const target = reach(spec.target, passwords.target, row.targetEventTriggersOff);
  return {
    spec,
    sourceMajor: Number(row.sourceVersion ?? 10),
    source: reach(spec.source, passwords.source, row.sourceEventTriggersOff),
    target,
    targetMaintenance: (task) =>
      target(spec.databases.includes(maintenanceDatabase) ? "template1" : maintenanceDatabase, task),
  };
}
