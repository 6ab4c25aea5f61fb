/** The fields that say which servers to talk to and as whom; a new migration and the connection tests share them. */
import { z } from "zod";
import { documented } from "./documented.js";
import { type Authentication, authentications, type ServerEndpoint, type SslMode, sslModes } from "./migration.js";
import type { RequestProblem } from "./request-error.js";
import { fieldError, fieldOf, hasProblem, isObject, knownObject, oneOf, problem } from "./request-properties.js";
import { azureHost, defaultPort, parseAzureResourceId, parseServerName, parseSourceAddress } from "./server-address.js";

/** KnownSourceType of @azure/arm-postgresql-flexible 9.0.0. */
export const sourceTypes = [
  "OnPremises",
  "AWS",
  "GCP",
  "AzureVM",
  "PostgreSQLSingleServer",
  "AWS_RDS",
  "AWS_AURORA",
  "AWS_EC2",
  "GCP_CloudSQL",
  "GCP_AlloyDB",
  "GCP_Compute",
  "EDB",
  "EDB_Oracle_Server",
  "EDB_PostgreSQL",
  "PostgreSQLFlexibleServer",
  "PostgreSQLCosmosDB",
  "Huawei_RDS",
  "Huawei_Compute",
  "Heroku_PostgreSQL",
  "Crunchy_PostgreSQL",
  "ApsaraDB_RDS",
  "Digital_Ocean_Droplets",
  "Digital_Ocean_PostgreSQL",
  "Supabase_PostgreSQL",
] as const;
export type SourceType = (typeof sourceTypes)[number];

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what a user name must not have.
const controlCharacter = /[\u0000-\u001f\u007f]/;

const UserName = z
  .string({ error: "must be a string" })
  .min(1, { error: "is empty: give the user's name" })
  .max(128, { error: "has more than 128 characters: check the spelling" })
  .refine((name) => !controlCharacter.test(name), { error: "contains a control character: remove it" });

const password = (missing: string) =>
  z
    .string(fieldError(missing, "must be a string"))
    .min(1, { error: "is empty: give the password (a server that asks for none takes any)" })
    .max(1_000, { error: "has more than 1000 characters: check what was sent" })
    .refine((text) => !text.includes("\0"), { error: "contains a NUL character, which no password can: remove it" });

export const SourcePassword = password("give the password of the source's user");
export const TargetPassword = password("give the password of the target's user");
export const SourceUserName = UserName;
export const TargetUserName = UserName;

const Text = z.string({ error: "must be a string" });

/** The address fields, as a request writes them. */
export const addressShape = {
  sourceType: documented(
    oneOf(sourceTypes).optional(),
    "What kind of server the source is; without it, what its address tells. Only `PostgreSQLSingleServer` and `PostgreSQLFlexibleServer` make a difference: they have resource IDs.",
  ),
  sslMode: documented(
    oneOf(sslModes).optional(),
    "TLS to both servers. Without it `VerifyFull` for servers of Azure (`*.postgres.database.azure.com`), else `Prefer`.",
    { azure: "For the source only." },
  ),
  targetSslMode: documented(oneOf(sslModes).optional(), "TLS to the target, where it is not to be `sslMode`.", {
    added: true,
  }),
  sourceAuthentication: documented(oneOf(authentications).optional(), "How the source's user logs in.", {
    added: true,
  }),
  targetAuthentication: documented(oneOf(authentications).optional(), "How the target's user logs in.", {
    added: true,
  }),
  sourceDbServerResourceId: documented(
    Text.optional(),
    "`host:port@user`, or the resource ID of an Azure server, whose last segment names the host.",
  ),
  sourceDbServerFullyQualifiedDomainName: documented(
    Text.optional(),
    "Host of the source, `:port` if it must; wins over the resource ID's.",
  ),
  targetDbServerFullyQualifiedDomainName: documented(
    Text.optional(),
    "Host of the target, likewise; without it `{serverName}.postgres.database.azure.com`.",
  ),
};

/** What fields were called in api-version 2022-05-01-privatepreview, in lower case, where it was more than another case. */
export const formerNames: Readonly<Record<string, string>> = {
  dbstotriggercutovermigrationon: "dbsToTriggerCutoverOn",
};

/** The credentials of an Entra application, which the first previews asked for: Azure used them to reach its own resources. */
const unreadSecrets = ["aadApp"];

const passwordText = {
  source: "Password of the source's user. Sealed at rest, never answered.",
  target: "Password of the target's user, likewise.",
};

const userNames = {
  sourceServerUsername: documented(
    SourceUserName.optional(),
    "The user that reads the source; else the one in `sourceDbServerResourceId`, in the setting `SERVER_ADMINISTRATORS`, or of the newest migration under this target from that server.",
    { azure: "Else the administrator of the server resource." },
  ),
  targetServerUsername: documented(
    TargetUserName.optional(),
    "The user that writes to the target; else the one in `SERVER_ADMINISTRATORS` or of the newest migration to that server.",
    { azure: "Else the administrator of the server resource." },
  ),
};

const NoPassword = z.undefined({
  error: "is not needed with Entra: leave it out, or set the authentication to Password",
});

/** secretParameters of a new migration: the passwords of both servers, but for those that take a token of Microsoft Entra. */
export function secretParametersFor(entra: { readonly source: boolean; readonly target: boolean }) {
  const adminCredentials = knownObject(
    {
      sourceServerPassword: documented(entra.source ? NoPassword : SourcePassword, passwordText.source),
      targetServerPassword: documented(entra.target ? NoPassword : TargetPassword, passwordText.target),
    },
    "give sourceServerPassword and targetServerPassword in it",
  );
  const noneNeeded = entra.source && entra.target;
  const secretParameters = knownObject(
    {
      adminCredentials: noneNeeded ? adminCredentials.optional() : adminCredentials,
      ...userNames,
    },
    "give adminCredentials in it",
    unreadSecrets,
  );
  return noneNeeded ? secretParameters.optional() : secretParameters;
}

/** The same where both have passwords, as documentation shows it. */
export const SecretParameters = secretParametersFor({ source: false, target: false });

/** The user names that the body gives, even where other secrets are wrong: what is given is not missing. */
export function userNamesIn(properties: unknown): { readonly source?: string; readonly target?: string } {
  const secrets = isObject(properties) ? fieldOf(properties, "secretParameters") : undefined;
  const nameIn = (field: string) => (isObject(secrets) ? fieldOf(secrets, field) : undefined);
  const [source, target] = [nameIn("sourceServerUsername"), nameIn("targetServerUsername")];
  return {
    ...(typeof source === "string" && { source }),
    ...(typeof target === "string" && { target }),
  };
}

const somePasswords = {
  sourceServerPassword: documented(SourcePassword.optional(), passwordText.source),
  targetServerPassword: documented(TargetPassword.optional(), passwordText.target),
};

/** secretParameters of a PATCH: what is to be changed. */
export const ChangedSecrets = knownObject(
  { adminCredentials: knownObject(somePasswords, "").optional(), ...userNames },
  "",
  unreadSecrets,
);

const serverCredentials = knownObject(somePasswords, "give sourceServerPassword or targetServerPassword in it");

/** secretParameters of a connection test: those of the servers to test. */
export const ServerSecrets = knownObject(
  { adminCredentials: serverCredentials, ...userNames },
  "give adminCredentials in it",
  unreadSecrets,
);

/** The same where a server takes a token of Microsoft Entra: there may be no password at all. */
export const ServerSecretsWithEntra = knownObject(
  { adminCredentials: serverCredentials.optional(), ...userNames },
  "",
  unreadSecrets,
).optional();

/**
 * The administrator of a server that a request names no user for, where it is known: Azure reads it from its own resource.
 * @param address the server, as the migration will connect to it
 */
export type AdministratorOf = (address: { readonly host: string; readonly port: number }) => string | undefined;

export interface AddressFields {
  readonly sourceType?: SourceType | undefined;
  readonly sslMode?: SslMode | undefined;
  readonly targetSslMode?: SslMode | undefined;
  readonly sourceAuthentication?: Authentication | undefined;
  readonly targetAuthentication?: Authentication | undefined;
  readonly sourceDbServerResourceId?: string | undefined;
  readonly sourceDbServerFullyQualifiedDomainName?: string | undefined;
  readonly targetDbServerFullyQualifiedDomainName?: string | undefined;
}

/** The source's type: as written, else what its address tells. */
export function sourceTypeOf(fields: AddressFields): SourceType {
  if (fields.sourceType !== undefined) return fields.sourceType;
  const resource = fields.sourceDbServerResourceId ?? "";
  if (/\/flexibleServers\//i.test(resource)) return "PostgreSQLFlexibleServer";
  return resource.startsWith("/") ? "PostgreSQLSingleServer" : "OnPremises";
}

/** sslMode's default: VerifyFull for the servers of Azure, whose certificates everybody can check, Prefer for all others. */
function defaultSslMode(host: string): SslMode {
  return /\.postgres\.database\.azure\.com\.?$/i.test(host) ? "VerifyFull" : "Prefer";
}

/** Whether a server takes a token of Microsoft Entra; asked before the fields are read, for which passwords they need depends on it. */
export function isEntra(properties: Readonly<Record<string, unknown>>, side: "source" | "target"): boolean {
  const value = fieldOf(properties, `${side}Authentication`);
  return typeof value === "string" && value.toLowerCase() === "entra";
}

/**
 * How a side is logged in to. A token opens every server that knows its holder: it goes to none that is not verified, whatever
 * sslMode the other side makes do with.
 */
function loginOf(
  sslMode: SslMode,
  authentication: Authentication | undefined,
): Pick<ServerEndpoint, "sslMode" | "authentication"> {
  if (authentication !== "Entra") return { sslMode };
  return { sslMode: sslMode === "VerifyCA" ? "VerifyCA" : "VerifyFull", authentication };
}

/**
 * The source's endpoint, or undefined with the reasons in `problems`.
 * `host:port@user` or an Azure resource ID in sourceDbServerResourceId; the name field wins over its host and port, the
 * user-name field over its user.
 */
export function sourceEndpoint(
  fields: AddressFields,
  userName: string | undefined,
  path: string,
  problems: RequestProblem[],
  administratorOf: AdministratorOf = () => undefined,
): ServerEndpoint | undefined {
  const idField = `${path}.sourceDbServerResourceId`;
  const nameField = `${path}.sourceDbServerFullyQualifiedDomainName`;
  const before = problems.length;
  const { sourceDbServerResourceId: id, sourceDbServerFullyQualifiedDomainName: name } = fields;

  const fromId = id === undefined ? undefined : parseSourceId(id, sourceTypeOf(fields));
  if (fromId !== undefined && "problem" in fromId) problems.push(problem("InvalidAddress", idField, fromId.problem));
  const fromName = name === undefined ? undefined : parseServerName(name);
  if (fromName !== undefined && "problem" in fromName) {
    problems.push(problem("InvalidAddress", nameField, fromName.problem));
  }
  if (id === undefined && name === undefined && !hasProblem(problems, idField) && !hasProblem(problems, nameField)) {
    const remedy = "give the source's address as host:port@user, or the resource ID of an Azure server";
    problems.push(problem("MissingProperty", idField, `is missing: ${remedy}`));
  }
  if (problems.length > before) return undefined;

  const resource = fromId !== undefined && "host" in fromId ? fromId : undefined;
  const named = fromName !== undefined && "host" in fromName ? fromName : undefined;
  const host = named?.host ?? resource?.host;
  const port = named?.port ?? resource?.port ?? defaultPort;
  const user = userName ?? resource?.user ?? (host === undefined ? undefined : administratorOf({ host, port }));
  const userField = `${path}.secretParameters.sourceServerUsername`;
  if (user === undefined && !hasProblem(problems, `${path}.secretParameters`)) {
    const remedy =
      "give the user that reads the source, here, after an @ in sourceDbServerResourceId, or in the setting SERVER_ADMINISTRATORS";
    problems.push(problem("MissingProperty", userField, `is missing: ${remedy}`));
  }
  if (host === undefined || user === undefined) return undefined;
  return { host, port, user, ...loginOf(fields.sslMode ?? defaultSslMode(host), fields.sourceAuthentication) };
}

/** The target's endpoint: the name field, else the Azure server that the path names. */
export function targetEndpoint(
  fields: AddressFields,
  server: string,
  userName: string | undefined,
  path: string,
  problems: RequestProblem[],
  administratorOf: AdministratorOf = () => undefined,
): ServerEndpoint | undefined {
  const name = fields.targetDbServerFullyQualifiedDomainName;
  const address = name === undefined ? { host: azureHost(server), port: undefined } : parseServerName(name);
  if ("problem" in address) {
    const field = `${path}.targetDbServerFullyQualifiedDomainName`;
    problems.push(problem("InvalidAddress", field, address.problem));
    return undefined;
  }
  const { host, port = defaultPort } = address;
  const user = userName ?? administratorOf({ host, port });
  if (user === undefined) {
    const secrets = `${path}.secretParameters`;
    if (!problems.some(({ target }) => target === secrets || target === `${secrets}.targetServerUsername`)) {
      const remedy = "give the user that writes to the target, here or in the setting SERVER_ADMINISTRATORS";
      problems.push(problem("MissingProperty", `${secrets}.targetServerUsername`, `is missing: ${remedy}`));
    }
    return undefined;
  }
  const sslMode = fields.targetSslMode ?? fields.sslMode ?? defaultSslMode(host);
  return { host, port, user, ...loginOf(sslMode, fields.targetAuthentication) };
}

function parseSourceId(id: string, sourceType: SourceType) {
  const azure =
    sourceType === "PostgreSQLSingleServer" || (sourceType === "PostgreSQLFlexibleServer" && id.startsWith("/"));
  if (azure) {
    const address = parseAzureResourceId(id);
    return "problem" in address ? address : { ...address, user: undefined };
  }
  if (id.startsWith("/")) {
    return {
      problem: `is an Azure resource ID, but sourceType is ${sourceType}: write host:port@user, or set sourceType to PostgreSQLSingleServer`,
    };
  }
  const address = parseSourceAddress(id);
  if ("problem" in address || address.user === undefined) return address;
  const user = UserName.safeParse(address.user);
  return user.success ? address : { problem: `has a user after its "@" that ${user.error.issues[0]?.message}` };
}
