import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Azurite, startAzurite } from "../../local/azurite.js";
import { Service } from "../../local/service.js";
import { type MigrationSpec, migrationKey } from "../../shared/model/migration.js";
import type { MigrationState, MigrationSubstate } from "../../shared/model/states.js";
import { claimDatabases } from "../../shared/status/claims.js";
import { getMigration, insertMigration, recordTransition } from "../../shared/status/migrations.js";
import { queryRows, type TableName } from "../../shared/status/storage.js";
import { conflicting } from "./refused-requests/conflicting.js";
import { malformed } from "./refused-requests/malformed.js";
import {
  password,
  type RefusedRequest,
  resourceGroup,
  server,
  subscriptionId,
} from "./refused-requests/refused-request.js";

/** Nothing in this file may start a migration: the servers that it names do not exist, and no orchestration may either. */
let azurite: Azurite;
let service: Service;
let before: unknown;

beforeAll(async () => {
  azurite = await startAzurite();
  process.env.AzureWebJobsStorage = azurite.connectionString;
  // No janitor: it would end migrations that are nothing but rows.
  const settings = { AzureWebJobsStorage: azurite.connectionString, JANITOR_SCHEDULE: "0 0 0 1 1 *" };
  service = await Service.start({ instances: 1, settings });
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
  const cases = [...malformed, ...conflicting];

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

async function send({ method = "PUT", path = "migrations/new", headers = {}, body: content }: RefusedRequest) {
  const { "x-server": under = server, "x-group": group = resourceGroup, ...sent } = headers;
  const base = `${service.url}/subscriptions/${subscriptionId}/resourceGroups/${group}/providers/Microsoft.DBforPostgreSQL/flexibleServers/${under}`;
  const text = typeof content === "string" ? content : JSON.stringify(content);
  const response = await fetch(`${base}/${path}`, {
    method,
    headers: { ...(content === undefined ? {} : { "content-type": "application/json" }), ...sent },
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
