import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type MigrationSpec, migrationKey } from "../../shared/model/migration.js";
import type { MigrationState, MigrationSubstate } from "../../shared/model/states.js";
import { claimDatabases } from "../../shared/status/claims.js";
import { getMigration, insertMigration, recordTransition } from "../../shared/status/migrations.js";
import { queryRows, type TableName } from "../../shared/status/storage.js";
import { type Azurite, startAzurite } from "../fixtures/azurite.js";
import { Service } from "../fixtures/service.js";

/** Nothing in this file may start a migration: the servers that it names do not exist, and no orchestration may either. */
let azurite: Azurite;
let service: Service;
let before: unknown;

const server = "target-server";
const resourceGroup = "group";
const subscriptionId = "11111111-1111-1111-1111-111111111111";
const password = "do-not-repeat-this-password";

interface Case {
  title: string;
  method?: "PUT" | "PATCH" | "DELETE" | "GET" | "POST";
  /** After …/flexibleServers/target-server/; a new migration's path when left out. */
  path?: string;
  headers?: Record<string, string>;
  body?: unknown;
  status?: number;
  /** The field that the answer must name, as error.target or the target of a detail. */
  target?: string;
  /** What it must tell to do. */
  remedy: RegExp;
}

function put(
  title: string,
  properties: Record<string, unknown>,
  target: string,
  remedy: RegExp,
  secrets: Record<string, unknown> = {},
): Case {
  return { title, body: body(properties, secrets), target, remedy };
}

function body(properties: Record<string, unknown> = {}, secrets: Record<string, unknown> = {}) {
  return {
    properties: {
      sourceDbServerResourceId: "127.0.0.1:9@reader",
      targetDbServerFullyQualifiedDomainName: "target.example.com:9",
      secretParameters: {
        adminCredentials: { sourceServerPassword: password, targetServerPassword: password },
        targetServerUsername: "writer",
        ...secrets,
      },
      dbsToMigrate: ["shop"],
      ...properties,
    },
  };
}

const credentials = "properties.secretParameters.adminCredentials";
const resource = "properties.sourceDbServerResourceId";
const azureId = "/subscriptions/s/resourceGroups/g/providers/Microsoft.DBforPostgreSQL/servers/single";
const json = { "content-type": "application/json" };

const malformed: Case[] = [
  { title: "no body", body: "", remedy: /send a JSON object/ },
  { title: "no JSON", body: "hello", remedy: /line 1, column 1.*correct it/ },
  { title: "JSON that ends early", body: '{"properties": {', remedy: /line 1, column 17.*correct it/ },
  { title: "JSON with a comma too many", body: `{\n  "a": "${password}",\n}`, remedy: /line 3, column 1.*correct it/ },
  { title: "a JSON list", body: [], remedy: /must be a JSON object/ },
  { title: "JSON null", body: null, remedy: /must be a JSON object/ },
  { title: "a JSON string", body: '"text"', remedy: /must be a JSON object/ },
  { title: "an empty object", body: {}, target: "properties", remedy: /is missing: give/ },
  {
    title: "properties that are a list",
    body: { properties: [] },
    target: "properties",
    remedy: /must be a JSON object/,
  },
  {
    title: "a location that is a number",
    body: { ...body(), location: 5 },
    target: "location",
    remedy: /must be a string/,
  },
  {
    title: "tags that are a list",
    body: { ...body(), tags: ["a"] },
    target: "tags",
    remedy: /must be an object of strings/,
  },
  {
    title: "a tag that is a number",
    body: { ...body(), tags: { a: 1 } },
    target: "tags.a",
    remedy: /must be a string/,
  },
  {
    title: "an unknown field",
    body: { ...body(), colour: 1 },
    target: "colour",
    remedy: /remove it, or use one of location/,
  },
  {
    title: "a body above 1 MB",
    body: { ...body(), tags: { a: "x".repeat(1_100_000) } },
    status: 413,
    remedy: /more than 1 MB: send only/,
  },
  {
    title: "a form instead of JSON",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: "a=1",
    status: 415,
    target: "Content-Type",
    remedy: /Content-Type: application\/json/,
  },
  {
    title: "text instead of JSON",
    headers: { "content-type": "text/plain" },
    body: body(),
    status: 415,
    target: "Content-Type",
    remedy: /Content-Type: application\/json/,
  },
  {
    title: "another API version",
    path: `migrations/new?api-version=2020-01-01`,
    body: body(),
    target: "api-version",
    remedy: /use api-version=2025-08-01/,
  },
  put(
    "an unknown property",
    { overwrite: "True" },
    "properties.overwrite",
    /remove it, or use one of .*overwriteDbsInTarget/,
  ),
  put("a mode that there is not", { migrationMode: "Fast" }, "properties.migrationMode", /one of "Offline", "Online"/),
  put("a mode that is a number", { migrationMode: 1 }, "properties.migrationMode", /one of "Offline", "Online"/),
  put(
    "an option that there is not",
    { migrationOption: "Move" },
    "properties.migrationOption",
    /one of "Validate", "Migrate"/,
  ),
  put("a source type that there is not", { sourceType: "Oracle" }, "properties.sourceType", /one of "OnPremises"/),
  put("an sslMode that there is not", { sslMode: "Disable" }, "properties.sslMode", /one of "Prefer", "Require"/),
  put("no source", { sourceDbServerResourceId: undefined }, resource, /host:port@user/),
  put("a source that is a number", { sourceDbServerResourceId: 5432 }, resource, /must be a string/),
  put("a source port of 0", { sourceDbServerResourceId: "db:0@u" }, resource, /1 to 65535/),
  put("a source port above 65535", { sourceDbServerResourceId: "db:70000@u" }, resource, /1 to 65535/),
  put("a source without host", { sourceDbServerResourceId: ":5432@u" }, resource, /write host:port/),
  put("a source with a space", { sourceDbServerResourceId: "my db:5432@u" }, resource, /check the spelling/),
  put(
    "a source that is an IPv4 address of five",
    { sourceDbServerResourceId: "1.2.3.4.5:5432@u" },
    resource,
    /check the spelling/,
  ),
  put("an IPv6 source without brackets", { sourceDbServerResourceId: "fe80::1@u" }, resource, /write \[fe80::1\]:5432/),
  put("a source that ends in @", { sourceDbServerResourceId: "db:5432@" }, resource, /write host:port@user/),
  put("a URL as source", { sourceDbServerResourceId: "postgresql://db:5432/shop" }, resource, /host:port@user/),
  put(
    "a resource ID for a server of one's own",
    { sourceType: "OnPremises", sourceDbServerResourceId: azureId },
    resource,
    /write host:port@user, or set sourceType/,
  ),
  put(
    "an address for an Azure single server",
    { sourceType: "PostgreSQLSingleServer", sourceDbServerResourceId: "db:5432@u" },
    resource,
    /must be the resource ID/,
  ),
  put(
    "no user for the source",
    { sourceDbServerResourceId: "db:5432" },
    "properties.secretParameters.sourceServerUsername",
    /give the user that reads the source/,
  ),
  put(
    "a wrong source name",
    { sourceDbServerFullyQualifiedDomainName: "db..example" },
    "properties.sourceDbServerFullyQualifiedDomainName",
    /check the spelling/,
  ),
  put(
    "a wrong target port",
    { targetDbServerFullyQualifiedDomainName: "db:x" },
    "properties.targetDbServerFullyQualifiedDomainName",
    /1 to 65535/,
  ),
  put(
    "the source as target",
    { sourceDbServerResourceId: "localhost:9@u", targetDbServerFullyQualifiedDomainName: "127.0.0.1:9" },
    "properties.targetDbServerFullyQualifiedDomainName",
    /name another server/,
  ),
  put("no secrets", { secretParameters: undefined }, "properties.secretParameters", /give adminCredentials/),
  put("secrets that are a string", { secretParameters: "x" }, "properties.secretParameters", /must be a JSON object/),
  put("no credentials", {}, credentials, /give sourceServerPassword and/, { adminCredentials: undefined }),
  put("no source password", {}, `${credentials}.sourceServerPassword`, /give the password of the source/, {
    adminCredentials: { targetServerPassword: password },
  }),
  put("an empty target password", {}, `${credentials}.targetServerPassword`, /give the password/, {
    adminCredentials: { sourceServerPassword: password, targetServerPassword: "" },
  }),
  put("a password that is a number", {}, `${credentials}.sourceServerPassword`, /must be a string/, {
    adminCredentials: { sourceServerPassword: 1, targetServerPassword: password },
  }),
  put("no target user", {}, "properties.secretParameters.targetServerUsername", /give the user that writes/, {
    targetServerUsername: undefined,
  }),
  put("a user with a line break", {}, "properties.secretParameters.sourceServerUsername", /remove it/, {
    sourceServerUsername: "a\nb",
  }),
  put("an unknown secret", {}, "properties.secretParameters.password", /remove it, or use one of adminCredentials/, {
    password,
  }),
  put("no databases", { dbsToMigrate: undefined }, "properties.dbsToMigrate", /name one to eight/),
  put("an empty list of databases", { dbsToMigrate: [] }, "properties.dbsToMigrate", /name one to eight/),
  put("a database instead of a list", { dbsToMigrate: "shop" }, "properties.dbsToMigrate", /must be a list/),
  put("nine databases", { dbsToMigrate: [..."abcdefghi"] }, "properties.dbsToMigrate", /at most 8, split it/),
  put("a database twice", { dbsToMigrate: ["a", "b", "a"] }, "properties.dbsToMigrate[2]", /remove one of them/),
  put("a database without name", { dbsToMigrate: [""] }, "properties.dbsToMigrate[0]", /give the database's name/),
  put("a database that is null", { dbsToMigrate: ["a", null] }, "properties.dbsToMigrate[1]", /must be the name/),
  put("a database name of 64 bytes", { dbsToMigrate: ["é".repeat(32)] }, "properties.dbsToMigrate[0]", /at most 63/),
  put("a database name with NUL", { dbsToMigrate: ["a\0"] }, "properties.dbsToMigrate[0]", /remove it/),
  put("a lone surrogate", { dbsToMigrate: ["a\ud800"] }, "properties.dbsToMigrate[0]", /remove the lone surrogate/),
  ...["postgres", "template0", "template1", "azure_maintenance", "azure_sys", "rdsadmin", "cloudsqladmin"].map((name) =>
    put(`system database ${name}`, { dbsToMigrate: [name] }, "properties.dbsToMigrate[0]", /remove it/),
  ),
  put(
    "a flag of three values",
    { overwriteDbsInTarget: "Maybe" },
    "properties.overwriteDbsInTarget",
    /"True" or "False"/,
  ),
  put("a flag that is a number", { migrateRoles: 1 }, "properties.migrateRoles", /"True" or "False"/),
  put("a cutover at creation", { triggerCutover: "True" }, "properties.triggerCutover", /leave it out here and PATCH/),
  put("a cancellation at creation", { cancel: true }, "properties.cancel", /leave it out here and PATCH/),
  put(
    "databases to cancel at creation",
    { dbsToCancelMigrationOn: ["a"] },
    "properties.dbsToCancelMigrationOn",
    /PATCH it once/,
  ),
  put(
    "a window that is no time",
    { migrationWindowStartTimeInUtc: "tonight" },
    "properties.migrationWindowStartTimeInUtc",
    /ISO 8601/,
  ),
  put(
    "a window on 30 February",
    { migrationWindowStartTimeInUtc: "2030-02-30T00:00:00Z" },
    "properties.migrationWindowStartTimeInUtc",
    /ISO 8601/,
  ),
  put(
    "a window that ends before it starts",
    {
      migrationWindowStartTimeInUtc: "2030-01-02T00:00:00Z",
      migrationWindowEndTimeInUtc: "2030-01-01T00:00:00Z",
    },
    "properties.migrationWindowEndTimeInUtc",
    /choose a later end/,
  ),
  put(
    "a window that is over",
    { migrationWindowEndTimeInUtc: "2020-01-01T00:00:00Z" },
    "properties.migrationWindowEndTimeInUtc",
    /choose a window that ends in the future/,
  ),
  ...["-new", "ne_w", "ne%20w", "n%C3%A9w", "a".repeat(64), "new.one"].map((name) => ({
    title: `the name ${name}`,
    path: `migrations/${name}`,
    body: body(),
    target: "migrationName",
    remedy: /choose another name/,
  })),
  {
    title: "names that are too long together",
    path: `migrations/${"n".repeat(63)}`,
    headers: { "x-server": "s".repeat(60) },
    body: body(),
    target: "migrationName",
    remedy: /choose a shorter name/,
  },
  {
    title: "a server name with an underscore",
    headers: { "x-server": "ser_ver" },
    body: body(),
    target: "serverName",
    remedy: /use the target server's name/,
  },
];

const conflicting: Case[] = [
  {
    title: "a taken name, another body",
    path: "migrations/running",
    body: body(),
    status: 409,
    target: "migrationName",
    remedy: /choose another migrationName/,
  },
  {
    title: "a taken name in another case",
    path: "migrations/RUNNING",
    body: body(),
    status: 409,
    target: "migrationName",
    remedy: /without case/,
  },
  {
    title: "a taken name from another resource group",
    path: "migrations/running",
    headers: { "x-group": "other" },
    body: body(),
    status: 409,
    target: "migrationName",
    remedy: /use that path, or another migrationName/,
  },
  {
    title: "a target database of an active migration",
    body: body({ dbsToMigrate: ["free", "orders"] }),
    status: 409,
    target: "properties.dbsToMigrate",
    remedy: /"orders" .*migration running .*wait until it has ended or cancel it/,
  },
  {
    title: "If-Match on a migration that is not there",
    headers: { "if-match": '"x"' },
    body: body(),
    status: 412,
    target: "If-Match",
    remedy: /leave the header out/,
  },
  {
    title: "If-None-Match on a migration that is there",
    path: "migrations/running",
    headers: { "if-none-match": "*" },
    body: body(),
    status: 412,
    target: "If-None-Match",
    remedy: /choose another name/,
  },
  {
    title: "GET of an unknown migration",
    method: "GET",
    path: "migrations/unknown",
    status: 404,
    target: "migrationName",
    remedy: /check migrationName/,
  },
  {
    title: "GET under another resource group",
    method: "GET",
    path: "migrations/running",
    headers: { "x-group": "other" },
    status: 404,
    target: "migrationName",
    remedy: /check migrationName/,
  },
  {
    title: "tables of an unknown migration",
    method: "GET",
    path: "migrations/unknown/tables",
    status: 404,
    target: "migrationName",
    remedy: /check migrationName/,
  },
  {
    title: "tables in an unknown state",
    method: "GET",
    path: "migrations/running/tables?state=lost",
    target: "state",
    remedy: /one of queued/,
  },
  {
    title: "tables of another's database",
    method: "GET",
    path: "migrations/running/tables?database=x",
    target: "database",
    remedy: /use one of orders/,
  },
  {
    title: "tables from a page that is no number",
    method: "GET",
    path: "migrations/running/tables?skip=x",
    target: "skip",
    remedy: /nextLink/,
  },
  {
    title: "databases of an unknown migration",
    method: "GET",
    path: "migrations/unknown/databases",
    status: 404,
    target: "migrationName",
    remedy: /check migrationName/,
  },
  {
    title: "a list by an unknown filter",
    method: "GET",
    path: "migrations?migrationListFilter=Old",
    target: "migrationListFilter",
    remedy: /use Active or All/,
  },
  {
    title: "PATCH of an unknown migration",
    method: "PATCH",
    path: "migrations/unknown",
    body: { properties: { cancel: true } },
    status: 404,
    target: "migrationName",
    remedy: /check migrationName/,
  },
  {
    title: "PATCH with nothing in it",
    method: "PATCH",
    path: "migrations/running",
    body: {},
    target: "properties",
    remedy: /give the properties to change/,
  },
  {
    title: "PATCH of an unknown property",
    method: "PATCH",
    path: "migrations/running",
    body: { properties: { stop: true } },
    target: "properties.stop",
    remedy: /use one of .*cancel/,
  },
  {
    title: "PATCH of the databases",
    method: "PATCH",
    path: "migrations/running",
    body: { properties: { dbsToMigrate: ["more"] } },
    status: 409,
    target: "properties.dbsToMigrate",
    remedy: /create a new migration/,
  },
  {
    title: "PATCH of the mode",
    method: "PATCH",
    path: "migrations/running",
    body: { properties: { migrationMode: "Online" } },
    status: 409,
    target: "properties.migrationMode",
    remedy: /create a new migration/,
  },
  {
    title: "PATCH of the source",
    method: "PATCH",
    path: "migrations/running",
    body: { properties: { sourceDbServerResourceId: "other:1@u" } },
    status: 409,
    target: resource,
    remedy: /create a new migration/,
  },
  {
    title: "PATCH of the user",
    method: "PATCH",
    path: "migrations/running",
    body: { properties: { secretParameters: { targetServerUsername: "x" } } },
    status: 409,
    target: "properties.secretParameters.targetServerUsername",
    remedy: /create a new migration/,
  },
  {
    title: "PATCH with an empty password",
    method: "PATCH",
    path: "migrations/running",
    body: { properties: { secretParameters: { adminCredentials: { sourceServerPassword: "" } } } },
    target: `${credentials}.sourceServerPassword`,
    remedy: /give the password/,
  },
  {
    title: "PATCH that confirms too late",
    method: "PATCH",
    path: "migrations/running",
    body: { properties: { overwriteDbsInTarget: "True" } },
    status: 409,
    target: "properties.overwriteDbsInTarget",
    remedy: /too late.*leave the field out/,
  },
  {
    title: "PATCH that takes a confirmation back",
    method: "PATCH",
    path: "migrations/waiting",
    body: { properties: { startDataMigration: "False" } },
    status: 409,
    target: "properties.startDataMigration",
    remedy: /cancel the migration instead/,
  },
  {
    title: "cutover of an offline migration",
    method: "PATCH",
    path: "migrations/running",
    body: { properties: { triggerCutover: "True" } },
    status: 409,
    target: "properties.triggerCutover",
    remedy: /leave the field out/,
  },
  {
    title: "cutover before its time",
    method: "PATCH",
    path: "migrations/waiting",
    body: { properties: { triggerCutover: "True" } },
    status: 409,
    target: "properties.triggerCutover",
    remedy: /when it is in WaitingForCutoverTrigger/,
  },
  {
    title: "cutover and cancel together",
    method: "PATCH",
    path: "migrations/waiting",
    body: { properties: { triggerCutover: "True", cancel: "True" } },
    target: "properties.cancel",
    remedy: /send one of them/,
  },
  {
    title: "databases to cancel without cancel",
    method: "PATCH",
    path: "migrations/running",
    body: { properties: { dbsToCancelMigrationOn: ["orders"] } },
    target: "properties.cancel",
    remedy: /must be "True" when/,
  },
  {
    title: "cancel of another's database",
    method: "PATCH",
    path: "migrations/running",
    body: { properties: { cancel: "True", dbsToCancelMigrationOn: ["orders", "x"] } },
    target: "properties.dbsToCancelMigrationOn[1]",
    remedy: /use "orders"/,
  },
  {
    title: "PATCH of a migration that has ended",
    method: "PATCH",
    path: "migrations/ended",
    body: { properties: { cancel: "True" } },
    status: 409,
    target: "migrationName",
    remedy: /create a migration with another migrationName/,
  },
  {
    title: "PATCH with an old ETag",
    method: "PATCH",
    path: "migrations/running",
    headers: { "if-match": '"old"' },
    body: { tags: { a: "b" } },
    status: 412,
    target: "If-Match",
    remedy: /GET it again/,
  },
  {
    title: "cancel of a migration that has ended",
    method: "DELETE",
    path: "migrations/ended",
    status: 409,
    target: "migrationName",
    remedy: /create a migration with another migrationName/,
  },
  {
    title: "cancel of an unknown migration",
    method: "DELETE",
    path: "migrations/unknown",
    status: 404,
    target: "migrationName",
    remedy: /check migrationName/,
  },
  {
    title: "cancel with an old ETag",
    method: "DELETE",
    path: "migrations/running",
    headers: { "if-match": '"old"' },
    status: 412,
    target: "If-Match",
    remedy: /GET it again/,
  },
  {
    title: "a name check without name",
    method: "POST",
    path: "checkMigrationNameAvailability",
    body: { type: "Microsoft.DBforPostgreSQL/flexibleServers/migrations" },
    target: "name",
    remedy: /give the name/,
  },
  {
    title: "a name check of another type",
    method: "POST",
    path: "checkMigrationNameAvailability",
    body: { name: "a", type: "servers" },
    target: "type",
    remedy: /must be "Microsoft.DBforPostgreSQL/,
  },
  {
    title: "a connection test without password",
    method: "POST",
    path: "testConnection",
    body: { properties: { sourceDbServerResourceId: "db:1@u", secretParameters: { adminCredentials: {} } } },
    target: credentials,
    remedy: /give sourceServerPassword, targetServerPassword or both/,
  },
  {
    title: "a connection test without properties",
    method: "POST",
    path: "testConnection",
    body: {},
    target: "properties",
    remedy: /must be a JSON object/,
  },
  {
    title: "a connection test of a target without user",
    method: "POST",
    path: "testConnection",
    body: { properties: { secretParameters: { adminCredentials: { targetServerPassword: password } } } },
    target: "properties.secretParameters.targetServerUsername",
    remedy: /give the user/,
  },
  {
    title: "a list of databases without password",
    method: "POST",
    path: "listSourceDatabases",
    body: { properties: { sourceDbServerResourceId: "db:1@u", secretParameters: { adminCredentials: {} } } },
    target: `${credentials}.sourceServerPassword`,
    remedy: /give the password/,
  },
  {
    title: "a list of databases of a dead server",
    method: "POST",
    path: "listSourceDatabases",
    body: {
      properties: {
        sourceDbServerResourceId: "127.0.0.1:9@u",
        secretParameters: { adminCredentials: { sourceServerPassword: password } },
      },
    },
    target: "127.0.0.1:9",
    remedy: /Check host, port/,
  },
];

const notSupportedYet: Case[] = [
  put("mode Online", { migrationMode: "Online" }, "properties.migrationMode", /not supported yet: use Offline/),
  put(
    "option Validate",
    { migrationOption: "Validate" },
    "properties.migrationOption",
    /not supported yet: use Migrate/,
  ),
  put(
    "option ValidateAndMigrate",
    { migrationOption: "ValidateAndMigrate" },
    "properties.migrationOption",
    /not supported yet: use Migrate/,
  ),
];

beforeAll(async () => {
  azurite = await startAzurite();
  process.env.AzureWebJobsStorage = azurite.connectionString;
  service = await Service.start({ instances: 1, settings: { AzureWebJobsStorage: azurite.connectionString } });
  await seed("running", { databases: ["orders"] }, "InProgress", "MigratingData");
  await seed(
    "waiting",
    { databases: ["w"], mode: "Online" },
    "WaitingForUserAction",
    "WaitingForDataMigrationScheduling",
  );
  await seed("ended", { databases: ["e"] }, "Failed", undefined);
  before = await everything();
});
afterAll(async () => {
  await service?.stop();
  await azurite?.stop();
});

describe("a request that cannot be carried out", () => {
  const cases = [...malformed, ...conflicting, ...notSupportedYet];

  it("is tested in at least sixty ways", () => {
    expect(new Set(cases.map((one) => one.title)).size).toBe(cases.length);
    expect(cases.length).toBeGreaterThanOrEqual(60);
  });

  it.each(cases)("$title: is refused with the field and the remedy", async (one) => {
    const answer = await send(one);
    expect({ status: answer.status, text: answer.text }).toMatchObject({ status: one.status ?? 400 });
    const { error } = JSON.parse(answer.text) as { error: ArmError };
    expect(error.code).toMatch(/^[A-Z][A-Za-z]+$/);
    const told = [error, ...error.details];
    if (one.target !== undefined) {
      expect(told.map((each) => each.target)).toContain(one.target);
      const named = told.filter((each) => each.target === one.target).map((each) => each.message);
      expect(named.join("\n")).toMatch(one.remedy);
      // The field is named in words too, not only in the target; in a path it is the value that is named.
      expect(named.join("\n")).toContain(one.target);
    } else {
      expect(error.message).toMatch(one.remedy);
    }
    expect(answer.text).not.toContain(password);
  });

  it("starts and changes nothing", async () => {
    expect(await everything()).toEqual(before);
    const instances = await fetch(`${service.url}/runtime/webhooks/durabletask/instances`);
    expect(await instances.json()).toEqual([]);
    expect(await service.log()).not.toContain(password);
  });
});

interface ArmError {
  code: string;
  message: string;
  target?: string;
  details: { code: string; message: string; target: string }[];
}

async function send({ method = "PUT", path = "migrations/new", headers = {}, body: content }: Case) {
  const { "x-server": under = server, "x-group": group = resourceGroup, ...sent } = headers;
  const base = `${service.url}/subscriptions/${subscriptionId}/resourceGroups/${group}/providers/Microsoft.DBforPostgreSQL/flexibleServers/${under}`;
  const text = typeof content === "string" ? content : JSON.stringify(content);
  const response = await fetch(`${base}/${path}`, {
    method,
    headers: { ...(content === undefined ? {} : json), ...sent },
    ...(content === undefined ? {} : { body: text }),
  });
  return { status: response.status, text: await response.text() };
}

/** Writes a migration as if it had come so far, without an orchestration. */
async function seed(
  name: string,
  changes: Partial<MigrationSpec>,
  state: MigrationState,
  substate: MigrationSubstate | undefined,
) {
  const spec: MigrationSpec = {
    key: migrationKey(server, name),
    subscriptionId,
    resourceGroup,
    server,
    name,
    mode: "Offline",
    option: "Migrate",
    source: { host: "source.example.com", port: 5432, user: "reader", sslMode: "Prefer" },
    target: { host: "target.example.com", port: 9, user: "writer", sslMode: "Prefer" },
    databases: [],
    overwriteDbsInTarget: false,
    migrateRoles: false,
    setupLogicalReplicationOnSourceDbIfNeeded: false,
    startDataMigration: true,
    ...changes,
  };
  expect(await claimDatabases(spec)).toBeUndefined();
  await insertMigration({
    spec,
    migrationId: randomUUID(),
    requestFingerprint: "00000000.x",
    location: "local",
    tags: {},
    sourceType: "OnPremises",
    sourceDbServerResourceId: "source.example.com:5432@reader",
    sourceDbServerFullyQualifiedDomainName: undefined,
    targetDbServerFullyQualifiedDomainName: "target.example.com:9",
  });
  await recordTransition(spec.key, { sequence: 1, state, substate });
  // Table Storage's times have a finer grain than ours: a later write must not look like the same moment.
  await delay(5);
  expect(await getMigration(spec.key)).toMatchObject({ state });
}

/** All rows of all tables. */
async function everything() {
  const names: TableName[] = [
    "Migrations",
    "MigrationDatabases",
    "MigrationTables",
    "MigrationClaims",
    "MigrationSecrets",
  ];
  const rows = [];
  for (const name of names) for await (const row of queryRows(name, "PartitionKey ne ''")) rows.push({ name, ...row });
  return rows;
}
