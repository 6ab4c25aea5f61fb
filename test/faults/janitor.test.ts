/**
 * Orchestrations that are lost behind the service's back, in whatever substate a migration is: the janitor ends it, and nothing of it stays. By default
 * every substate from the start of the data migration on loses its orchestration in one way; with ONLINE_FAULTS=all every
 * substate does in each.
 */
import { TableClient } from "@azure/data-tables";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EmbeddedServer } from "../../local/embedded-server.js";
import { offlineMigration } from "../../local/migration-client.js";
import { type Loss, lose, losses, orderDurable } from "../fixtures/durable-orders.js";
import { leftoversOn, onlineMigration, openOnlineStage, replicationLeftovers } from "../fixtures/online-stage.js";
import type { Stage } from "../fixtures/stage.js";
import { thorough } from "../fixtures/thorough.js";
import { ThrottledProxy } from "../fixtures/throttled-proxy.js";

let stage: Stage;
/** A source that is not set up for logical replication. */
let unprepared: EmbeddedServer;

beforeAll(async () => {
  [stage, unprepared] = await Promise.all([
    openOnlineStage({ service: { settings: { JANITOR_SCHEDULE: "*/6 * * * * *" } } }),
    EmbeddedServer.start({ major: 12 }),
  ]);
});
afterAll(async () => {
  await Promise.all([stage?.close(), unprepared?.stop()]);
});

interface Scene {
  readonly substate: string;
  readonly mode: "Online" | "Offline";
  /** Of the PUT. */
  readonly properties?: Record<string, unknown>;
  /** Bytes a second that come from the source from the beginning on, so that the substate lasts. */
  readonly bytesPerSecond?: number;
  readonly source?: () => EmbeddedServer;
  /** From WaitingForCutoverTrigger on. */
  readonly cutOver?: true;
  /** Nothing has been made on either server yet: tried with ONLINE_FAULTS=all. */
  readonly early?: true;
}

const scenes: readonly Scene[] = [
  { substate: "PerformingPreRequisiteSteps", mode: "Online", bytesPerSecond: 100, early: true },
  {
    substate: "WaitingForTargetDBOverwriteConfirmation",
    mode: "Online",
    properties: { overwriteDbsInTarget: "False" },
    early: true,
  },
  {
    substate: "ValidationInProgress",
    mode: "Online",
    properties: { migrationOption: "ValidateAndMigrate" },
    bytesPerSecond: 1_500,
    early: true,
  },
  {
    substate: "WaitingForLogicalReplicationSetupRequestOnSourceDB",
    mode: "Online",
    source: () => unprepared,
    early: true,
  },
  { substate: "WaitingForDataMigrationScheduling", mode: "Offline", properties: { startDataMigration: "False" } },
  { substate: "MigratingData", mode: "Offline", bytesPerSecond: 60_000 },
  { substate: "MigratingData", mode: "Online", bytesPerSecond: 60_000 },
  { substate: "WaitingForCutoverTrigger", mode: "Online" },
  { substate: "CompletingMigration", mode: "Online", cutOver: true },
];

const cases = scenes
  .filter(({ early }) => thorough || !early)
  .flatMap((scene, index) =>
    (thorough ? losses : losses.slice(index % losses.length).slice(0, 1)).map(
      (loss) => [scene.mode, scene.substate, loss, scene] as const,
    ),
  );

test.each(cases)(
  "%s, %s: the orchestration is %s, and two rounds later nothing of the migration is left",
  {
    timeout: 180_000,
  },
  async (mode, substate, loss, scene) => {
    const name = `${mode}-${substate}-${loss}`.toLowerCase().slice(0, 60);
    const source = scene.source?.() ?? stage.source;
    const wire = await ThrottledProxy.start(source);
    try {
      await seed(source);
      await enterScene(name, scene, source, wire);
      await loseRoot(name, loss);
      const seen = await roundsUntilEnd(name);
      const end = await stage.client.get(name);
      expect(end.properties.currentStatus).toMatchObject({
        state: "Failed",
        error: expect.stringMatching(words[loss]),
      });
      expect(end.properties.currentStatus.currentSubStateDetails?.dbDetails?.lost?.migrationState).toBe("Failed");
      // The round that was under way, and two.
      expect(seen).toBeLessThanOrEqual(3);
      expect(await leftoversOn(source, ["lost"])).toEqual([]);
      expect(await replicationLeftovers(stage, ["lost"])).toEqual([]);
      expect(await rowsOf("MigrationSecrets")).toEqual([]);
      expect(await rowsOf("MigrationClaims")).toEqual([]);
      expect(await activeOrchestrations()).toEqual([]);
      await migrateAnew(`${name}-2`);
    } finally {
      await wire.stop();
    }
  },
);

test("a migration that has lost its orchestration is ended by DELETE, and takes no other order", {
  timeout: 120_000,
}, async () => {
  await seed(stage.source);
  await stage.client.start("deleted", onlineMigration(stage, ["lost"]));
  await stage.client.waitForSubstate("deleted", "WaitingForCutoverTrigger");
  await loseRoot("deleted", "terminated");
  const refused = await stage.client.patch("deleted", { triggerCutover: "True" });
  // The janitor may have been quicker: then it says so itself.
  expect(refused).toMatchObject({ status: 409, body: { error: { message: expect.stringMatching(/terminated/) } } });
  expect((await stage.client.cancel("deleted")).status).toBe(200);
  const end = await stage.client.waitForEnd("deleted");
  expect(end.properties.currentStatus).toMatchObject({
    state: "Canceled",
    error: expect.stringMatching(/was terminated \(by hand\)/),
  });
  expect(await replicationLeftovers(stage, ["lost"])).toEqual([]);
});

const words: Record<Loss, RegExp> = {
  terminated: /was terminated \(by hand\)/,
  purged: /is gone: it was purged/,
  failed: /failed \(Non-Deterministic workflow detected\)/,
};

async function seed(source: EmbeddedServer): Promise<void> {
  await stage.target.query("drop database if exists lost with (force)");
  await stage.target.query("create database lost");
  await source.query("drop database if exists lost");
  await source.query("create database lost");
  const rows = `
    create table item (id int primary key, body text);
    insert into item select n, repeat(md5(n::text), 20) from generate_series(1, 4000) as n;
  `;
  await source.query(rows, { database: "lost" });
}

/** @returns what ends whatever keeps the migration there */
async function enterScene(
  name: string,
  scene: Scene,
  source: EmbeddedServer,
  wire: ThrottledProxy,
): Promise<() => Promise<void>> {
  wire.limit(scene.bytesPerSecond ?? Number.POSITIVE_INFINITY);
  const slow = { host: wire.host, port: wire.port, user: source.user, password: source.password };
  const properties = { migrationMode: scene.mode, ...scene.properties };
  await stage.client.start(name, offlineMigration(slow, stage.target, ["lost"], properties));
  if (scene.cutOver) {
    await stage.client.waitForSubstate(name, "WaitingForCutoverTrigger");
    // The target cannot apply what the source has, and the cutover point stays out of reach.
    const holder = await stage.target.connect("lost");
    await holder.query("begin; lock table item in access exclusive mode");
    await source.query("update item set body = 'changed' where id = 1", { database: "lost" });
    await stage.client.patch(name, { triggerCutover: "True" });
    await stage.client.waitForSubstate(name, scene.substate);
    return async () => await holder.end();
  }
  await stage.client.waitForSubstate(name, scene.substate, 120);
  if (scene.substate === "MigratingData") {
    await stage.client.waitFor(name, ({ properties: { currentStatus } }) => {
      const details = currentStatus.currentSubStateDetails?.dbDetails?.lost;
      return (details?.fullLoadLoadingTables ?? 0) > 0;
    });
  }
  return async () => {};
}

async function loseRoot(name: string, loss: Loss): Promise<void> {
  await lose(stage, `target_${name}`, loss);
}

/** Rounds of the janitor that have ended from now on until the migration had. */
async function roundsUntilEnd(name: string): Promise<number> {
  const times = new Set<string>();
  await stage.client.waitFor(name, ({ properties }) => properties.currentStatus.state === "Failed", {
    limitSeconds: 90,
    everyMilliseconds: 300,
    onPoll: () => void lastRound().then((time) => times.add(time)),
  });
  return times.size - 1;
}

async function lastRound(): Promise<string> {
  const health = (await (await fetch(`${stage.service.url}/health`)).json()) as { janitor?: { time?: string } };
  return health.janitor?.time ?? "";
}

async function rowsOf(table: string): Promise<unknown[]> {
  const client = TableClient.fromConnectionString(stage.azurite.connectionString, table, {
    allowInsecureConnection: true,
  });
  const rows: unknown[] = [];
  for await (const row of client.listEntities()) rows.push(row);
  return rows;
}

async function activeOrchestrations(): Promise<string[]> {
  const answer = await orderDurable(stage, "", "", "GET");
  const all = (await answer.json()) as { instanceId: string; runtimeStatus: string }[];
  return all
    .filter(({ runtimeStatus }) => !["Completed", "Failed", "Terminated"].includes(runtimeStatus))
    .map(({ instanceId }) => instanceId);
}

/** The target database is free, and takes what it is to have. */
async function migrateAnew(name: string): Promise<void> {
  await stage.client.start(name, offlineMigration(stage.source, stage.target, ["lost"]));
  await stage.client.waitForState(name, "Succeeded");
  expect(await stage.differences("lost")).toEqual([]);
}
