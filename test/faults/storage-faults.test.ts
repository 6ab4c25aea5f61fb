/**
 * The storage account behaves as badly as it may, while migrations run. By default each fault lasts seconds; with ONLINE_FAULTS=all a minute of each, in
 * every substate.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { seedTraffic, Traffic } from "../../demo/seed/traffic.js";
import { type MigrationAnswer, offlineMigration } from "../../local/migration-client.js";
import { FaultyStorage, type StorageFault, storageFaults } from "../fixtures/faulty-storage.js";
import { onlineMigration, openOnlineStage, replicationLeftovers } from "../fixtures/online-stage.js";
import type { Stage } from "../fixtures/stage.js";
import { thorough } from "../fixtures/thorough.js";
import { ThrottledProxy } from "../fixtures/throttled-proxy.js";

let stage: Stage;
let storage: FaultyStorage;
beforeAll(async () => {
  stage = await openOnlineStage({
    settingsFor: async ({ azurite }) => {
      storage = await FaultyStorage.start(azurite.connectionString);
      return { AzureWebJobsStorage: storage.connectionString };
    },
  });
});
afterAll(async () => {
  await stage?.close();
  await storage?.stop();
});

const faultMilliseconds = thorough ? 60_000 : 6_000;

const bytesLoading = "select coalesce(sum(bytes_processed), 0)::float8 as bytes from pg_stat_progress_copy";

async function loaded(): Promise<number> {
  return (await stage.target.query<{ bytes: number }>(bytesLoading))[0]?.bytes ?? 0;
}

async function seedRows(database: string): Promise<void> {
  await stage.target.query(`drop database if exists ${database} with (force)`);
  await stage.source.query(`create database ${database}`);
  const rows = `
    create table item (id int primary key, body text);
    insert into item select n, repeat(md5(n::text), 30) from generate_series(1, ${thorough ? 400_000 : 60_000}) as n;
    create index on item (body);
  `;
  await stage.source.query(rows, { database });
}

test("a copy goes on while the storage account does not answer, and its migration succeeds", {
  timeout: 300_000 + storageFaults.length * faultMilliseconds,
}, async () => {
  await seedRows("busy_copy");
  const wire = await ThrottledProxy.start(stage.source);
  try {
    const { source, target, client } = stage;
    const slow = { host: wire.host, port: wire.port, user: source.user, password: source.password };
    wire.limit(1_000_000);
    await client.start("copying", offlineMigration(slow, target, ["busy_copy"]));
    await client.waitFor("copying", (answer) => loadingTables(answer) > 0);
    for (const fault of storageFaults) {
      const before = await loaded();
      // So slow that the copy outlasts every fault.
      wire.limit(thorough ? 25_000 : 300_000);
      await storage.fault(fault, faultMilliseconds);
      if (fault !== "away") expect(storage.met, fault).toBeGreaterThan(0);
      expect(await loaded(), `the copy while storage is ${fault}`).toBeGreaterThan(before);
    }
    wire.limit(Number.POSITIVE_INFINITY);
    await client.waitForState("copying", "Succeeded", 120);
    const [tables] = await client.tables("copying");
    expect(tables?.parts.map(({ attempt }) => attempt)).toEqual([1]);
    expect(await stage.differences("busy_copy")).toEqual([]);
    expect(await stage.sessions()).toEqual([]);
  } finally {
    await wire.stop();
  }
});

function loadingTables({ properties }: MigrationAnswer): number {
  return properties.currentStatus.currentSubStateDetails?.dbDetails?.busy_copy?.fullLoadLoadingTables ?? 0;
}

/** On the way of an online migration: the substates, and what makes it go on from each. */
const way = [
  { substate: "PerformingPreRequisiteSteps" },
  { substate: "WaitingForTargetDBOverwriteConfirmation", goOn: "overwriteDbsInTarget" },
  { substate: "ValidationInProgress" },
  { substate: "WaitingForDataMigrationScheduling", goOn: "startDataMigration" },
  { substate: "MigratingData" },
  { substate: "WaitingForCutoverTrigger", goOn: "triggerCutover" },
  { substate: "CompletingMigration" },
] as const;
const substates: readonly string[] = way.map(({ substate }) => substate);

/** Every fault once on the way; thoroughly, each of them in every substate. */
const rounds: readonly (readonly StorageFault[])[] = thorough
  ? storageFaults.map((fault) => way.map(() => fault))
  : [storageFaults];

test.each(rounds.map((faults, index) => [index + 1, faults] as const))(
  "an online migration meets a fault of storage in every substate, and loses nothing (%i)",
  { timeout: 300_000 + way.length * faultMilliseconds * 2 },
  async (round, faults) => {
    const name = `online-${round}`;
    await seedTraffic(stage.source, "busy");
    await stage.target.query("drop database if exists busy with (force)");
    await stage.target.query("create database busy");
    const body = onlineMigration(stage, ["busy"], {
      migrationOption: "ValidateAndMigrate",
      overwriteDbsInTarget: "False",
      startDataMigration: "False",
    });
    await stage.client.start(name, body);
    let traffic: Traffic | undefined;
    for (const [index, { substate, ...step }] of way.entries()) {
      await stage.client.waitFor(name, (answer) => isAt(answer) >= index, {
        limitSeconds: 150,
        everyMilliseconds: 50,
      });
      if (substate === "WaitingForDataMigrationScheduling") traffic = await Traffic.start(stage.source, "busy", 80);
      const fault = faults[index];
      if (fault !== undefined) await storage.fault(fault, faultMilliseconds);
      if (substate === "WaitingForCutoverTrigger") await traffic?.stop();
      if ("goOn" in step) await order(name, step.goOn);
      if (substate === "CompletingMigration") break;
    }
    const end = await stage.client.waitForEnd(name, { limitSeconds: 150 });
    expect(end.properties.currentStatus).toMatchObject({ state: "Succeeded" });
    expect(await stage.differences("busy")).toEqual([]);
    expect(await replicationLeftovers(stage, ["busy"])).toEqual([]);
  },
);

/** How far the migration is; at its end, beyond all. */
function isAt(answer: MigrationAnswer): number {
  const { state, currentSubStateDetails } = answer.properties.currentStatus;
  if (state === "Failed") throw new Error(JSON.stringify(answer.properties.currentStatus));
  const current = currentSubStateDetails?.currentSubState ?? "";
  return current === "Completed" ? way.length : substates.indexOf(current);
}

async function order(name: string, property: string): Promise<void> {
  const limit = Date.now() + 60_000;
  for (;;) {
    const { status, body } = await stage.client.patch(name, { [property]: "True" });
    if (status === 200) return;
    if (status < 500 || Date.now() > limit) throw new Error(`PATCH ${property}: ${status} ${JSON.stringify(body)}`);
  }
}

test("the storage account is away in mid-copy, comes back with what it had, and the migration succeeds", {
  timeout: 180_000,
}, async () => {
  await seedRows("restarted");
  const wire = await ThrottledProxy.start(stage.source);
  try {
    const { source, target, client } = stage;
    const slow = { host: wire.host, port: wire.port, user: source.user, password: source.password };
    wire.limit(1_000_000);
    await client.start("restarted", offlineMigration(slow, target, ["restarted"]));
    await client.waitFor("restarted", ({ properties }) => {
      const details = properties.currentStatus.currentSubStateDetails?.dbDetails?.restarted;
      return (details?.fullLoadLoadingTables ?? 0) > 0;
    });
    await stage.azurite.halt();
    const before = await loaded();
    await expect.poll(loaded, { timeout: 20_000 }).toBeGreaterThan(before);
    await stage.azurite.restart();
    wire.limit(Number.POSITIVE_INFINITY);
    await client.waitForState("restarted", "Succeeded", 120);
    expect(await stage.differences("restarted")).toEqual([]);
  } finally {
    await wire.stop();
  }
});
