import { body, credentials, password, type RefusedRequest, resource } from "./refused-request.js";

const migrationsType = "Microsoft.DBforPostgreSQL/flexibleServers/migrations";

function get(title: string, path: string, status: number, target: string, remedy: RegExp): RefusedRequest {
  return { title, method: "GET", path: `migrations${path}`, status, target, remedy };
}

function patch(
  title: string,
  name: string,
  properties: Record<string, unknown>,
  status: number,
  target: string,
  remedy: RegExp,
): RefusedRequest {
  return { title, method: "PATCH", path: `migrations/${name}`, body: { properties }, status, target, remedy };
}

function cancel(
  title: string,
  name: string,
  status: number,
  target: string,
  remedy: RegExp,
  headers = {},
): RefusedRequest {
  return { title, method: "DELETE", path: `migrations/${name}`, headers, status, target, remedy };
}

function post(title: string, path: string, content: object, target: string, remedy: RegExp): RefusedRequest {
  return { title, method: "POST", path, body: content, status: 400, target, remedy };
}

function taken(
  title: string,
  request: Partial<RefusedRequest>,
  status: number,
  target: string,
  remedy: RegExp,
): RefusedRequest {
  return { title, path: "migrations/running", body: body(), ...request, status, target, remedy };
}

const noPassword = { sourceDbServerResourceId: "db:1@u", secretParameters: { adminCredentials: {} } };
const deadServer = {
  sourceDbServerResourceId: "127.0.0.1:9@u",
  secretParameters: { adminCredentials: { sourceServerPassword: password } },
};
const onlyTargetPassword = { secretParameters: { adminCredentials: { targetServerPassword: password } } };
const emptyPassword = { secretParameters: { adminCredentials: { sourceServerPassword: "" } } };

/** Requests that would be right, were it not for what is there: migrations "running", "waiting" (online) and "ended". */
export const conflicting: RefusedRequest[] = [
  taken("a taken name, another body", {}, 409, "migrationName", /choose another migrationName/),
  taken("a taken name in another case", { path: "migrations/RUNNING" }, 409, "migrationName", /without case/),
  taken(
    "a taken name from another group",
    { headers: { "x-group": "other" } },
    409,
    "migrationName",
    /use that path, or/,
  ),
  taken(
    "a target database of an active migration",
    { path: "migrations/new", body: body({ dbsToMigrate: ["free", "orders"] }) },
    409,
    "properties.dbsToMigrate",
    /"orders" .*migration running .*wait until it has ended or cancel it/,
  ),
  taken(
    "If-Match on a migration that is not there",
    { path: "migrations/new", headers: { "if-match": '"x"' } },
    412,
    "If-Match",
    /leave the header out/,
  ),
  taken(
    "If-None-Match on a migration that is there",
    { headers: { "if-none-match": "*" } },
    412,
    "If-None-Match",
    /choose another name/,
  ),

  get("GET of an unknown migration", "/unknown", 404, "migrationName", /check migrationName/),
  {
    ...get("GET under another resource group", "/running", 404, "migrationName", /check migrationName/),
    headers: { "x-group": "other" },
  },
  get("tables of an unknown migration", "/unknown/tables", 404, "migrationName", /check migrationName/),
  get("tables in an unknown state", "/running/tables?state=lost", 400, "state", /one of queued/),
  get("tables of another's database", "/running/tables?database=x", 400, "database", /use one of orders/),
  get("tables from a page that is no number", "/running/tables?skip=x", 400, "skip", /nextLink/),
  get("databases of an unknown migration", "/unknown/databases", 404, "migrationName", /check migrationName/),
  get("a list by an unknown filter", "?migrationListFilter=Old", 400, "migrationListFilter", /use Active or All/),

  patch("PATCH of an unknown migration", "unknown", { cancel: true }, 404, "migrationName", /check migrationName/),
  {
    ...patch("PATCH with nothing in it", "running", {}, 400, "properties", /give the properties to change/),
    body: {},
  },
  patch("PATCH of an unknown property", "running", { stop: 1 }, 400, "properties.stop", /use one of .*cancel/),
  patch(
    "PATCH of the databases",
    "running",
    { dbsToMigrate: ["x"] },
    409,
    "properties.dbsToMigrate",
    /only while .*held/,
  ),
  patch(
    "PATCH of the mode",
    "running",
    { migrationMode: "Online" },
    409,
    "properties.migrationMode",
    /only while .*held/,
  ),
  patch("PATCH of the roles", "running", { migrateRoles: "True" }, 409, "properties.migrateRoles", /only while .*held/),
  patch("PATCH without databases", "running", { dbsToMigrate: [] }, 400, "properties.dbsToMigrate", /one to eight/),
  patch("PATCH of the source", "running", { sourceDbServerResourceId: "other:1@u" }, 409, resource, /create a new/),
  patch(
    "PATCH of the window",
    "running",
    { migrationWindowStartTimeInUtc: "2030-01-01T00:00:00Z" },
    409,
    "properties.migrationWindowStartTimeInUtc",
    /create a new migration to change it, with startDataMigration "False"/,
  ),
  patch(
    "PATCH of the user",
    "running",
    { secretParameters: { targetServerUsername: "x" } },
    409,
    "properties.secretParameters.targetServerUsername",
    /create a new/,
  ),
  patch(
    "PATCH with an empty password",
    "running",
    emptyPassword,
    400,
    `${credentials}.sourceServerPassword`,
    /give the password/,
  ),
  patch(
    "PATCH that confirms too late",
    "running",
    { overwriteDbsInTarget: "True" },
    409,
    "properties.overwriteDbsInTarget",
    /too late.*leave the field out/,
  ),
  patch(
    "PATCH that takes a confirmation back",
    "waiting",
    { startDataMigration: "False" },
    409,
    "properties.startDataMigration",
    /cancel the migration instead/,
  ),
  patch(
    "cutover of an offline migration",
    "running",
    { triggerCutover: "True" },
    409,
    "properties.triggerCutover",
    /leave the field out/,
  ),
  patch(
    "cutover before its time",
    "waiting",
    { triggerCutover: "True" },
    409,
    "properties.triggerCutover",
    /when it is in WaitingForCutoverTrigger/,
  ),
  patch(
    "cutover and cancel together",
    "waiting",
    { triggerCutover: "True", cancel: "True" },
    400,
    "properties.cancel",
    /send one of them/,
  ),
  patch(
    "databases to cancel without cancel",
    "running",
    { dbsToCancelMigrationOn: ["orders"] },
    400,
    "properties.cancel",
    /must be "True" when/,
  ),
  patch(
    "cancel of another's database",
    "running",
    { cancel: "True", dbsToCancelMigrationOn: ["orders", "x"] },
    400,
    "properties.dbsToCancelMigrationOn[1]",
    /use "orders"/,
  ),
  patch("PATCH of what has ended", "ended", { cancel: "True" }, 409, "migrationName", /another migrationName/),
  {
    ...patch("PATCH with an old ETag", "running", {}, 412, "If-Match", /GET it again/),
    headers: { "if-match": '"old"' },
  },

  cancel("cancel of what has ended", "ended", 409, "migrationName", /another migrationName/),
  cancel("cancel with an ETag of an unknown migration", "unknown", 404, "migrationName", /check migrationName/, {
    "if-match": '"old"',
  }),
  cancel("cancel with an old ETag", "running", 412, "If-Match", /GET it again/, { "if-match": '"old"' }),

  post(
    "a name check without name",
    "checkMigrationNameAvailability",
    { type: migrationsType },
    "name",
    /give the name/,
  ),
  post(
    "a name check of another type",
    "checkMigrationNameAvailability",
    { name: "a", type: "servers" },
    "type",
    /must be "Microsoft.DBforPostgreSQL/,
  ),
  post(
    "a connection test without password",
    "testConnection",
    { properties: noPassword },
    credentials,
    /give sourceServerPassword, targetServerPassword or both/,
  ),
  post("a connection test without properties", "testConnection", {}, "properties", /must be a JSON object/),
  post(
    "a connection test of a target without user",
    "testConnection",
    { properties: onlyTargetPassword },
    "properties.secretParameters.targetServerUsername",
    /give the user/,
  ),
  post(
    "a list of databases without password",
    "listSourceDatabases",
    { properties: noPassword },
    `${credentials}.sourceServerPassword`,
    /give the password/,
  ),
  post(
    "a list of databases of a dead server",
    "listSourceDatabases",
    { properties: deadServer },
    "127.0.0.1:9",
    /Check host, port/,
  ),
];
