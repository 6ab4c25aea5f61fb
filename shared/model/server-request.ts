/** The bodies of testConnection and listSourceDatabases: a migration's server fields alone. */

import { z } from "zod";
import { DatabasesToMigrate } from "./database-name.js";
import { documented } from "./documented.js";
import type { ServerEndpoint } from "./migration.js";
import { migrationProperties } from "./migration-request.js";
import { RequestError, type RequestProblem, refuseIfAny } from "./request-error.js";
import { fieldError, fieldOf, isObject, problem, readProperties } from "./request-properties.js";
import {
  type AdministratorOf,
  addressShape,
  formerNames,
  isEntra,
  ServerSecrets,
  ServerSecretsWithEntra,
  sourceEndpoint,
  targetEndpoint,
} from "./server-fields.js";

/** A server and the password to log in with. */
export interface ServerLogin {
  readonly endpoint: ServerEndpoint;
  readonly password: string;
}

const shape = {
  ...addressShape,
  secretParameters: ServerSecrets,
};

/** The body as documentation shows it. */
export const ServerRequestBody = z.object({ properties: z.object(shape) });

const databasesShape = {
  dbsToMigrate: documented(
    z
      .unknown()
      .refine((value) => value !== undefined, fieldError("name one to eight databases of the source", ""))
      .pipe(DatabasesToMigrate),
    "One to eight databases of the source.",
  ),
};

/** The body of describeSourceDatabases. */
export const DatabasesRequestBody = z.object({ properties: z.object({ ...shape, ...databasesShape }) });

const credentials = "properties.secretParameters.adminCredentials";

/**
 * The servers whose passwords the body has: source, target or both.
 * @throws RequestError 400 with one detail for every problem.
 */
export function parseConnectionTest(
  server: string,
  body: unknown,
  administratorOf?: AdministratorOf,
): { source?: ServerLogin; target?: ServerLogin } {
  const problems: RequestProblem[] = [];
  const properties = readServerFields(body, problems);
  const secrets = properties.secretParameters;
  const { sourceServerPassword, targetServerPassword } = secrets?.adminCredentials ?? {};
  const entra = {
    source: properties.sourceAuthentication === "Entra",
    target: properties.targetAuthentication === "Entra",
  };
  const some = entra.source || entra.target || sourceServerPassword !== undefined || targetServerPassword !== undefined;
  if (secrets !== undefined && !some) {
    problems.push(
      problem(
        "MissingProperty",
        credentials,
        "has no password: give sourceServerPassword, targetServerPassword or both",
      ),
    );
  }
  const logins: { source?: ServerLogin; target?: ServerLogin } = {};
  if (sourceServerPassword !== undefined || entra.source) {
    const endpoint = sourceEndpoint(properties, secrets?.sourceServerUsername, "properties", problems, administratorOf);
    if (endpoint !== undefined) logins.source = { endpoint, password: sourceServerPassword ?? "" };
  }
  if (targetServerPassword !== undefined || entra.target) {
    const endpoint = targetEndpoint(
      properties,
      server,
      secrets?.targetServerUsername,
      "properties",
      problems,
      administratorOf,
    );
    if (endpoint !== undefined) logins.target = { endpoint, password: targetServerPassword ?? "" };
  }
  refuseIfAny(problems);
  return logins;
}

/**
 * The source to list the databases of; target fields are read and not used.
 * @throws RequestError 400 with one detail for every problem.
 */
export function parseSourceRequest(body: unknown, administratorOf?: AdministratorOf): ServerLogin {
  const problems: RequestProblem[] = [];
  const properties = readServerFields(body, problems);
  const secrets = properties.secretParameters;
  const entra = properties.sourceAuthentication === "Entra";
  const password = secrets?.adminCredentials?.sourceServerPassword ?? (entra ? "" : undefined);
  if (secrets !== undefined && password === undefined) {
    const field = `${credentials}.sourceServerPassword`;
    problems.push(problem("MissingProperty", field, "is missing: give the password of the source's user"));
  }
  const endpoint = sourceEndpoint(properties, secrets?.sourceServerUsername, "properties", problems, administratorOf);
  refuseIfAny(problems);
  if (endpoint === undefined || password === undefined) {
    throw new Error("A request without problems lacks a required field.");
  }
  return { endpoint, password };
}

/**
 * The target to list the databases of; source fields are read and not used.
 * @throws RequestError 400 with one detail for every problem.
 */
export function parseTargetRequest(server: string, body: unknown, administratorOf?: AdministratorOf): ServerLogin {
  const { target } = parseConnectionTest(server, body, administratorOf);
  if (target === undefined) {
    const field = `${credentials}.targetServerPassword`;
    refuseIfAny([problem("MissingProperty", field, "is missing: give the password of the target's user")]);
    throw new Error("A request without problems lacks a required field.");
  }
  return target;
}

/**
 * The source, and the databases of it that dbsToMigrate names.
 * @throws RequestError 400 with one detail for every problem.
 */
export function parseDatabasesRequest(
  body: unknown,
  administratorOf?: AdministratorOf,
): { source: ServerLogin; databases: readonly string[] } {
  const source = parseSourceRequest(body, administratorOf);
  const problems: RequestProblem[] = [];
  const given = isObject(body) ? fieldOf(body, "properties") : undefined;
  const { dbsToMigrate } = readProperties(isObject(given) ? given : {}, databasesShape, {
    path: "properties",
    ignored: migrationProperties,
    problems,
  });
  refuseIfAny(problems);
  return { source, databases: dbsToMigrate ?? [] };
}

function readServerFields(body: unknown, problems: RequestProblem[]) {
  const given = isObject(body) ? fieldOf(body, "properties") : undefined;
  if (!isObject(body) || !isObject(given)) {
    throw new RequestError(
      400,
      "InvalidRequest",
      'The body must be a JSON object with an object in it: {"properties": {…}}.',
      { target: "properties" },
    );
  }
  // The body of a migration will do as it is: what is not about servers is left unread.
  readProperties(body, { properties: z.unknown() }, { path: "", ignored: ["location", "tags"], problems });
  const byToken = isEntra(given, "source") || isEntra(given, "target");
  const secretParameters = byToken ? ServerSecretsWithEntra : ServerSecrets;
  return readProperties(
    given,
    { ...addressShape, secretParameters },
    {
      path: "properties",
      ignored: migrationProperties,
      aliases: formerNames,
      problems,
    },
  );
}
