/** The names in a request's path: subscription, resource group, target server, migration. */
import { migrationKey } from "./migration.js";
import { RequestError } from "./request-error.js";

export interface ServerPath {
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly server: string;
}

export interface MigrationPath extends ServerPath {
  readonly name: string;
  readonly key: string;
}

/** Durable limits an orchestration's instance ID to 100 characters; the rest is left for sub-orchestrations' suffixes. */
const maximumKey = 90;
const legalName = /^[a-z0-9][a-z0-9-]{0,62}$/i;

/** What is wrong with a migration's name under this server, as the end of a sentence; undefined when it may be used. */
export function migrationNameProblem(name: string, server: string): string | undefined {
  if (!legalName.test(name)) {
    return "must have 1 to 63 letters, digits and hyphens and not start with a hyphen: choose another name";
  }
  if (migrationKey(server, name).length > maximumKey) {
    return `is too long: server and migration name together may have ${maximumKey - 1} characters, choose a shorter name`;
  }
  return undefined;
}

/** What is wrong with a target server's name, likewise. */
export function serverNameProblem(server: string): string | undefined {
  if (legalName.test(server)) return undefined;
  return "must have 1 to 63 letters, digits and hyphens and not start with a hyphen: use the target server's name";
}

/** The server's part of a route's parameters. Throws RequestError 400. */
export function parseServerPath(parameters: Readonly<Record<string, string>>): ServerPath {
  const { subscriptionId = "", resourceGroupName: resourceGroup = "", serverName: server = "" } = parameters;
  const problem = serverNameProblem(server);
  if (problem !== undefined) {
    throw new RequestError(400, "InvalidServerName", `serverName in the path ${problem}.`, { target: "serverName" });
  }
  // These two end up in resource IDs and table columns, nowhere else.
  for (const [target, value] of Object.entries({ subscriptionId, resourceGroupName: resourceGroup })) {
    if (!/^[\p{L}\p{N}_.()-]{1,90}$/u.test(value)) {
      throw new RequestError(
        400,
        "InvalidPath",
        `${target} in the path must have 1 to 90 letters, digits, hyphens, underscores, dots and parentheses: check the address.`,
        { target },
      );
    }
  }
  return { subscriptionId, resourceGroup, server };
}

/** All of a migration's route parameters. Throws RequestError 400. */
export function parseMigrationPath(parameters: Readonly<Record<string, string>>): MigrationPath {
  const path = parseServerPath(parameters);
  const { migrationName: name = "" } = parameters;
  const problem = migrationNameProblem(name, path.server);
  if (problem !== undefined) {
    throw new RequestError(400, "InvalidMigrationName", `migrationName in the path ${problem}.`, {
      target: "migrationName",
    });
  }
  return { ...path, name, key: migrationKey(path.server, name) };
}
