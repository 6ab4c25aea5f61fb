import { randomBytes, randomUUID } from "node:crypto";
import { TableClient } from "@azure/data-tables";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Azurite, startAzurite } from "../../local/azurite.js";
import { janitorRound } from "../../shared/janitor/round.js";
import type { OrchestrationState } from "../../shared/lifecycle/orchestration-control.js";
import { type MigrationSpec, migrationKey } from "../../shared/model/migration.js";
import type { Orchestrations } from "../../shared/requests/orchestrations.js";
import { queueDatabases, recordDatabase } from "../../shared/status/databases.js";
import { lastJanitorRound } from "../../shared/status/janitor-rounds.js";
import {
  getMigration,
  insertMigration,
  listAllMigrations,
  recordTransition,
  updateMigration,
} from "../../shared/status/migrations.js";
import { listTransitions } from "../../shared/status/transitions.js";

let azurite: Azurite;

beforeAll(async () => {
  azurite = await startAzurite();
  process.env.AzureWebJobsStorage = azurite.connectionString;
  process.env.SECRETS_KEY = randomBytes(32).toString("base64");
});
afterAll(() => azurite.stop());

/** What the round has asked Durable for. */
let asked: string[] = [];
let states: Map<string, OrchestrationState>;
beforeEach(() => {
  asked = [];
  states = new Map();
});

const durable: Orchestrations = {
  ensureStarted: async ({ key }) => void asked.push(`start ${key}`),
  ensureRetry: async () => {},
  raise: async (key, name, data) => void asked.push(`raise ${name} ${key} ${JSON.stringify(data)}`),
  stateOf: async (instanceId) => states.get(instanceId) ?? { kind: "active" },
  activeBelow: async () => [],
  terminate: async () => {},
  purge: async (key) => void asked.push(`purge ${key}`),
};

let migrations = 0;
async function inserted(changes: Partial<MigrationSpec> = {}): Promise<string> {
  const name = `m${++migrations}`;
  const endpoint = { host: "127.0.0.1", port: 1, user: "u", sslMode: "Prefer" } as const;
  const spec: MigrationSpec = {
    key: migrationKey("janitor", name),
    subscriptionId: "11111111-1111-1111-1111-111111111111",
    resourceGroup: "group",
    server: "janitor",
    name,
    mode: "Online",
    option: "Migrate",
    source: endpoint,
    target: endpoint,
    databases: ["a", "b"],
    overwriteDbsInTarget: false,
    migrateRoles: false,
    setupLogicalReplicationOnSourceDbIfNeeded: false,
    startDataMigration: false,
    ...changes,
  };
  const absent = {
    sourceType: undefined,
    sourceDbServerResourceId: undefined,
    sourceDbServerFullyQualifiedDomainName: undefined,
    targetDbServerFullyQualifiedDomainName: undefined,
  };
  const row = { spec, migrationId: randomUUID(), requestFingerprint: "", location: "local", tags: {}, ...absent };
  await insertMigration(row);
  await queueDatabases(spec.key, spec.databases);
  return spec.key;
}

/** Has the row be as old as a row is that nobody writes. */
async function age(key: string, columns: Record<string, Date>): Promise<void> {
  const [partitionKey = "", rowKey = ""] = key.split("_");
  const client = TableClient.fromConnectionString(azurite.connectionString, "Migrations", {
    allowInsecureConnection: true,
  });
  await client.updateEntity({ partitionKey, rowKey, ...columns }, "Merge");
}

const anHourAgo = new Date(Date.now() - 3_600_000);
const daysAgo = (days: number) => new Date(Date.now() - days * 24 * 3_600_000);

async function round(): Promise<void> {
  const problems: string[] = [];
  await janitorRound(durable, (problem) => problems.push(problem));
  expect(problems).toEqual([]);
}

test("a migration whose databases have all caught up, and that does not know it, is told again", async () => {
  const key = await inserted();
  await recordTransition(key, { sequence: 1, state: "InProgress", substate: "MigratingData" });
  await recordDatabase(key, "a", { state: "WaitingForCutoverTrigger", caughtUp: true });
  await age(key, { updatedOn: anHourAgo });
  await round();
  expect(asked).toEqual([]);
  await recordDatabase(key, "b", { state: "Failed" });
  await round();
  expect(asked).toEqual([`raise DatabaseCaughtUp ${key} {}`]);
  await recordTransition(key, { sequence: 2, state: "WaitingForUserAction", substate: "WaitingForCutoverTrigger" });
  await age(key, { updatedOn: anHourAgo });
  asked = [];
  await round();
  expect(asked).toEqual([]);
  expect(await lastJanitorRound()).toMatchObject({ active: 1, problems: 0 });
  await recordTransition(key, { sequence: 3, state: "Canceled" });
});

test("what a row asks for, and its orchestration has not heard, is asked for again", async () => {
  const key = await inserted();
  await recordTransition(key, {
    sequence: 1,
    state: "WaitingForUserAction",
    substate: "WaitingForDataMigrationScheduling",
  });
  await updateMigration(key, { startDataMigration: true });
  await round();
  // The PATCH may be about to raise it.
  expect(asked).toEqual([]);
  await age(key, { updatedOn: anHourAgo });
  await round();
  expect(asked).toEqual([`raise StartDataMigration ${key} {}`]);
  asked = [];
  await updateMigration(key, { cancel: true });
  await age(key, { updatedOn: anHourAgo });
  await recordDatabase(key, "a", { cancelRequested: true });
  await round();
  expect(asked).toEqual([`raise Cancel ${key} {"databases":["b"]}`]);
  await recordTransition(key, { sequence: 2, state: "Canceled" });
});

test("a PUT that died before it started the orchestration is made up for, once nobody can be at it any more", async () => {
  const key = await inserted();
  states.set(key, { kind: "missing" });
  await round();
  expect(asked).toEqual([]);
  await age(key, { createdOn: anHourAgo });
  await round();
  expect(asked).toEqual([`start ${key}`]);
  expect((await getMigration(key))?.state).toBe("InProgress");
  await recordTransition(key, { sequence: 1, state: "Canceled" });
});

test("a migration is forgotten when RETENTION_DAYS have passed since its end, and no day before", async () => {
  const [old, recent] = [await inserted(), await inserted()];
  for (const key of [old, recent]) await recordTransition(key, { sequence: 1, state: "Failed" });
  await age(old, { endedOn: daysAgo(91) });
  await age(recent, { endedOn: daysAgo(89) });
  await round();
  expect(asked).toEqual([`purge ${old}`]);
  const left: string[] = [];
  for await (const { key } of listAllMigrations()) left.push(key);
  expect(left).not.toContain(old);
  expect(left).toContain(recent);
  expect(await listTransitions(old)).toEqual([]);
  expect(await listTransitions(recent)).toHaveLength(1);
});
