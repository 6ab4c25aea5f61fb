import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Azurite, startAzurite } from "../../local/azurite.js";
import { type MigrationAnswer, offlineMigration } from "../../local/migration-client.js";
import { Service } from "../../local/service.js";
import { parseMigrationPath } from "../../shared/model/migration-path.js";
import { parseMigrationRequest } from "../../shared/model/migration-request.js";
import { recordDatabase } from "../../shared/status/databases.js";
import { insertMigration, recordTransition } from "../../shared/status/migrations.js";

let azurite: Azurite;
let service: Service;
const group = "list-group";
const nowhere = { host: "127.0.0.1", port: 1, user: "u", password: "p" };

beforeAll(async () => {
  azurite = await startAzurite();
  process.env.AzureWebJobsStorage = azurite.connectionString;
  // No janitor: it would end migrations that are nothing but rows.
  const settings = { AzureWebJobsStorage: azurite.connectionString, JANITOR_SCHEDULE: "0 0 0 1 1 *" };
  service = await Service.start({ settings });
  // Their names are in no order of time, so that neither can be taken for the other.
  for (const name of ["m3", "m1", "m5", "m2", "m4"]) {
    await store(name, group);
  }
  await store("elsewhere", "another-group");
  await recordTransition("listed_m5", { sequence: 1, state: "Canceled" });
});
afterAll(async () => {
  await service?.stop();
  await azurite?.stop();
});

/** A migration that is in the tables and that nobody carries out. */
async function store(name: string, resourceGroupName: string, mode = "Offline"): Promise<void> {
  const path = parseMigrationPath({
    subscriptionId: "s",
    resourceGroupName,
    serverName: "listed",
    migrationName: name,
  });
  const target = { ...nowhere, port: 2 };
  const request = parseMigrationRequest(path, offlineMigration(nowhere, target, ["a"], { migrationMode: mode }));
  await insertMigration({
    ...request,
    migrationId: crypto.randomUUID(),
    requestFingerprint: randomBytes(8).toString("hex"),
  });
  // Two of the same millisecond would be told apart by their names.
  for (const then = Date.now(); Date.now() === then; ) await new Promise(setImmediate);
}

function list(query: string): string {
  const server = `/subscriptions/s/resourceGroups/${group}/providers/Microsoft.DBforPostgreSQL/flexibleServers/listed`;
  return `${service.url}${server}/migrations${query}`;
}

async function read(url: string) {
  const response = await fetch(url);
  return {
    status: response.status,
    body: (await response.json()) as { value: MigrationAnswer[]; nextLink?: string; error?: { message: string } },
  };
}

describe("the list of a server's migrations", () => {
  it("has the active ones unless all are asked for, newest start first", async () => {
    const names = async (query: string) => (await read(list(query))).body.value.map(({ name }) => name);
    expect(await names("")).toEqual(["m4", "m2", "m1", "m3"]);
    expect(await names("?migrationListFilter=active")).toEqual(["m4", "m2", "m1", "m3"]);
    expect(await names("?migrationListFilter=All")).toEqual(["m4", "m2", "m5", "m1", "m3"]);
  });

  it("comes in pages that fit together although migrations are created meanwhile", async () => {
    const seen: string[] = [];
    let next: string | undefined = list("?migrationListFilter=All&maxpagesize=2&api-version=2025-08-01&code=secret");
    while (next !== undefined) {
      const { status, body } = await read(next);
      expect(status).toBe(200);
      expect(body.value.length).toBeLessThanOrEqual(2);
      seen.push(...body.value.map(({ name }) => name));
      next = body.nextLink;
      expect(next ?? "").not.toContain("secret");
      if (seen.length === 2) await store("late", group);
    }
    expect(seen).toEqual(["m4", "m2", "m5", "m1", "m3"]);
  });

  it.each([
    ["?maxpagesize=0", /maxpagesize "0" must be a whole number from 1 to 1000/],
    ["?maxpagesize=1e2", /maxpagesize "1e2" must be/],
    ["?$skipToken=AAAA", /take it from a nextLink/],
    ["?migrationListFilter=Old", /use Active or All/],
  ])("refuses %s with what to do", async (query, message) => {
    const { status, body } = await read(list(query));
    expect(status).toBe(400);
    expect(body.error?.message).toMatch(message);
  });

  it("has start, end and duration among the properties", async () => {
    const { body } = await read(list("?migrationListFilter=All"));
    for (const { name, properties } of body.value) {
      expect(properties.startTime).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      expect(properties.duration).toMatch(/^PT\d+S$/);
      expect(properties.endTime === undefined).toBe(name !== "m5");
    }
    const starts = body.value.map(({ properties }) => String(properties.startTime));
    expect(starts).toEqual([...starts].sort().reverse());
  });
});

describe("the counters of an online migration", () => {
  it("are whole numbers of 32 bits, and what waits stays true beyond them", async () => {
    await store("wal", group, "Online");
    await recordDatabase("listed_wal", "a", {
      latencySeconds: 34.3,
      incomingChanges: 5_000_000_000,
      appliedChanges: 4_999_999_000,
      cdcInsertCounter: 3_000_000_000,
    });
    const { body } = await read(list("/wal"));
    const details = (body as unknown as MigrationAnswer).properties.currentStatus.currentSubStateDetails?.dbDetails?.a;
    expect(details).toMatchObject({
      latency: 34,
      incomingChanges: 2_147_483_647,
      appliedChanges: 2_147_482_647,
      cdcInsertCounter: 2_147_483_647,
    });
    const beside = await read(list("/wal/databases"));
    expect(beside.body.value[0]).toMatchObject({
      latencySeconds: 34.3,
      incomingBytes: 5_000_000_000,
      appliedBytes: 4_999_999_000,
    });
  });
});
