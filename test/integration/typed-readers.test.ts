/**
 * Clients that read numbers strictly, as Go's, Java's and .NET's do: a list with an online migration whose WAL is beyond 32 bits. And Microsoft's SDK
 * of the version before, which speaks api-version 2024-08-01.
 */
import { type MigrationResource, PostgreSQLManagementFlexibleServerClient } from "arm-postgresql-flexible-8";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cutOverAndCompare, onlineMigration, openOnlineStage } from "../fixtures/online-stage.js";
import type { Stage } from "../fixtures/stage.js";

let stage: Stage;

beforeAll(async () => {
  stage = await openOnlineStage({ source: { settings: { wal_init_zero: "off", max_wal_size: "200MB" } } });
  for (const database of ["busy", "shop"]) {
    await stage.source.query(`create database ${database}`);
    await stage.source.query("create table orders (id integer primary key)", { database });
    await stage.source.query("insert into orders select generate_series(1, 100)", { database });
  }
}, 120_000);

afterAll(async () => await stage?.close());

/** The fields that the specification has as integers of 32 bits. */
const int32Fields = [
  ...["fullLoadQueuedTables", "fullLoadErroredTables", "fullLoadLoadingTables", "fullLoadCompletedTables"],
  ...["cdcUpdateCounter", "cdcDeleteCounter", "cdcInsertCounter", "appliedChanges", "incomingChanges", "latency"],
];

/** As encoding/json reads into *int32: the literal itself counts, not the value that JavaScript makes of it. */
function readInt32(field: string, literal: string): number {
  if (!/^-?(0|[1-9]\d*)$/.test(literal)) throw new Error(`${field}: cannot unmarshal number ${literal} into int32`);
  const value = BigInt(literal);
  if (value < -2_147_483_648n || value > 2_147_483_647n) throw new Error(`${field}: ${literal} overflows int32`);
  return Number(value);
}

/** Every number of those fields in a body, by field. */
function numbersIn(body: string): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (const [, field = "", literal = ""] of body.matchAll(/"(\w+)"\s*:\s*(-?[\d.][\d.eE+-]*)/g)) {
    if (int32Fields.includes(field)) found.set(field, [...(found.get(field) ?? []), readInt32(field, literal)]);
  }
  return found;
}

async function list(): Promise<string> {
  const response = await fetch(`${stage.client.url()}?migrationListFilter=All&api-version=2025-08-01`);
  expect(response.status).toBe(200);
  return await response.text();
}

test("the reader itself refuses what Go does", () => {
  expect(numbersIn('{"latency": 0, "appliedChanges": 2147483647}').get("latency")).toEqual([0]);
  for (const literal of ["0.5", "1e3", "2147483648", "-2147483649", "1.0"]) {
    expect(() => numbersIn(`{"incomingChanges": ${literal}}`)).toThrow(/int32/);
  }
});

test("a list is read by 32-bit clients while and after an online migration of 3 GB of WAL", async () => {
  await stage.client.start("busy", onlineMigration(stage, ["busy"]));
  await stage.client.waitForSubstate("busy", "WaitingForCutoverTrigger", 90);
  // A segment has 16 MB, whatever is written into it before the switch.
  const source = await stage.source.connect("busy");
  try {
    for (let segment = 0; segment < 190; segment++) {
      await source.query("select pg_logical_emit_message(true, 'fill', 'x')");
      await source.query("select pg_switch_wal()");
    }
    await source.query("insert into orders values (101)");
  } finally {
    await source.end();
  }
  const limit = Date.now() + 90_000;
  for (;;) {
    const numbers = numbersIn(await list());
    expect(new Set(numbers.keys())).toEqual(new Set(int32Fields));
    // Both counters have come to what 32 bits hold, and stay there.
    if (numbers.get("incomingChanges")?.[0] === 2_147_483_647 && numbers.get("appliedChanges")?.[0] === 2_147_483_647)
      break;
    if (Date.now() > limit) throw new Error(`not seen: ${JSON.stringify([...numbers])}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  // Bytes in full stand beside ARM's resource.
  const incoming = async () => {
    const [details] = (await stage.client.databases("busy")) as unknown as { incomingChanges: number }[];
    return details?.incomingChanges;
  };
  await expect.poll(incoming, { timeout: 60_000, interval: 500 }).toBeGreaterThan(3e9);
  await cutOverAndCompare(stage, "busy", "busy");
  // What reached the source after the cutover point is told by the difference of the two, beyond 32 bits too.
  expect(numbersIn(await list()).get("appliedChanges")?.[0]).toBeGreaterThan(2_147_000_000);
}, 240_000);

test("Microsoft's SDK 8 creates, reads, lists, changes and cancels migrations", async () => {
  const subscription = "11111111-2222-3333-4444-555555555555";
  const at = [subscription, "sdk-group", "sdk-target"] as const;
  const credential = { getToken: async () => ({ token: "any", expiresOnTimestamp: Date.now() + 3_600_000 }) };
  const client = new PostgreSQLManagementFlexibleServerClient(credential, subscription, {
    // The client sends its token over https only; the local host speaks http.
    endpoint: stage.service.url.replace("http://", "https://"),
    retryOptions: { maxRetries: 0 },
    additionalPolicies: [
      {
        position: "perRetry",
        policy: {
          name: "plainHttp",
          sendRequest: (request, next) => {
            request.url = request.url.replace("https://", "http://");
            request.allowInsecureConnection = true;
            expect(request.url).toContain("api-version=2024-08-01");
            return next(request);
          },
        },
      },
    ],
  });
  const { source, target } = stage;
  const migration: MigrationResource = {
    location: "westeurope",
    migrationMode: "Offline",
    migrationOption: "ValidateAndMigrate",
    sourceType: "OnPremises",
    sslMode: "Prefer",
    sourceDbServerResourceId: `${source.host}:${source.port}@${source.user}`,
    targetDbServerFullyQualifiedDomainName: `${target.host}:${target.port}`,
    secretParameters: {
      adminCredentials: { sourceServerPassword: source.password, targetServerPassword: target.password },
      targetServerUsername: target.user,
    },
    dbsToMigrate: ["shop"],
    overwriteDbsInTarget: "True",
    startDataMigration: "False",
  };
  const substate = async (name: string) =>
    (await client.migrations.get(...at, name)).currentStatus?.currentSubStateDetails?.currentSubState;
  const state = async (name: string) => (await client.migrations.get(...at, name)).currentStatus?.state;

  expect(await client.migrations.create(...at, "eight", migration)).toMatchObject({
    name: "eight",
    migrationOption: "ValidateAndMigrate",
    dbsToMigrate: ["shop"],
    currentStatus: { state: "InProgress" },
  });
  await expect.poll(() => substate("eight"), { timeout: 60_000 }).toBe("WaitingForDataMigrationScheduling");
  const names: (string | undefined)[] = [];
  for await (const one of client.migrations.listByTargetServer(...at, { migrationListFilter: "Active" })) {
    names.push(one.name);
  }
  expect(names).toEqual(["eight"]);
  await client.migrations.update(...at, "eight", { startDataMigration: "True" });
  await expect.poll(() => state("eight"), { timeout: 60_000 }).toBe("Succeeded");
  const ended = await client.migrations.get(...at, "eight");
  expect(ended.currentStatus?.currentSubStateDetails?.dbDetails?.shop).toMatchObject({
    migrationState: "Succeeded",
    fullLoadCompletedTables: 1,
    endedOn: expect.any(Date),
  });
  expect(ended.currentStatus?.currentSubStateDetails?.validationDetails?.validationEndTimeInUtc).toBeInstanceOf(Date);

  await client.migrations.create(...at, "nine", { ...migration, dbsToMigrate: ["busy"] });
  await expect.poll(() => substate("nine"), { timeout: 60_000 }).toBe("WaitingForDataMigrationScheduling");
  await client.migrations.update(...at, "nine", { cancel: "True" });
  await expect.poll(() => state("nine"), { timeout: 60_000 }).toBe("Canceled");
}, 180_000);
