/**
 * What an online migration has to survive: any instance, either server, the network, every keeper of its snapshot. Each test is a whole migration; with
 * ONLINE_FAULTS=all instances are killed in every substate, the network is down for 30 s, and the relay goes on for a minute; otherwise it is less, for
 * the suite's sake.
 */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seedTraffic, Traffic } from "../../demo/seed/traffic.js";
import { onlineMigration, openOnlineStage, replicationLeftovers, whenDatabase } from "../fixtures/online-stage.js";
import type { Stage } from "../fixtures/stage.js";
import { ThrottledProxy } from "../fixtures/throttled-proxy.js";

const thorough = process.env.ONLINE_FAULTS === "all";
const patience = { timeout: 240_000 };

const items =
  "create table items (id serial primary key, v text); insert into items (v) select 'x' from generate_series(1, 5000)";

async function cutOverAndCompare(stage: Stage, name: string, database: string): Promise<void> {
  await stage.client.patch(name, { triggerCutover: "True" });
  const end = await stage.client.waitForEnd(name, { limitSeconds: 120 });
  expect(end.properties.currentStatus.state).toBe("Succeeded");
  expect(await stage.differences(database)).toEqual([]);
  expect(await replicationLeftovers(stage, [database])).toEqual([]);
}

describe("instances that die", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openOnlineStage();
  });
  afterAll(async () => await stage?.close());

  const substates = ["MigratingData", "WaitingForCutoverTrigger", "CompletingMigration"];
  const killed = thorough ? ["PerformingPreRequisiteSteps", ...substates] : substates;
  test.each(killed)("both, one after the other, in %s: nothing is lost", patience, async (substate) => {
    const name = `kill-${substate.toLowerCase()}`;
    await seedTraffic(stage.source, "busy");
    const traffic = await Traffic.start(stage.source, "busy", 80);
    await stage.client.start(name, onlineMigration(stage, ["busy"]));
    const killEach = async () => {
      for (const pid of await stage.service.workerPids()) {
        process.kill(pid, "SIGKILL");
        await delay(1_000);
      }
    };
    if (substate !== "CompletingMigration") {
      await stage.client.waitForSubstate(name, substate, 90);
      await killEach();
    }
    await stage.client.waitForSubstate(name, "WaitingForCutoverTrigger", 150);
    await traffic.stop();
    await stage.client.patch(name, { triggerCutover: "True" });
    if (substate === "CompletingMigration") await killEach();
    const end = await stage.client.waitForEnd(name, { limitSeconds: 150 });
    expect(end.properties.currentStatus.state).toBe("Succeeded");
    expect(await stage.differences("busy")).toEqual([]);
    expect(await replicationLeftovers(stage, ["busy"])).toEqual([]);
  });
});

describe("servers and networks that go away while the target follows", () => {
  test("a source that restarts, then a target that crashes, then time without a network", patience, async () => {
    const stage = await openOnlineStage();
    const wire = await ThrottledProxy.start(stage.source);
    try {
      await stage.source.query("create database app");
      await stage.source.query(items, { database: "app" });
      await stage.client.start(
        "away",
        onlineMigration(stage, ["app"], { sourceDbServerFullyQualifiedDomainName: `${wire.host}:${wire.port}` }),
      );
      await stage.client.waitForSubstate("away", "WaitingForCutoverTrigger", 90);
      const write = (words: string) =>
        stage.source.query(`insert into items (v) select '${words}' from generate_series(1, 1000)`, {
          database: "app",
        });
      const recovered = () =>
        stage.client.waitFor(
          "away",
          whenDatabase("app", ({ message, latency }) => message === "" && latency < 3),
          { limitSeconds: 90 },
        );

      await write("before the restart");
      await stage.source.restart();
      await write("after the restart");
      await recovered();

      await stage.target.kill();
      await write("while the target was down");
      await stage.client.waitFor(
        "away",
        whenDatabase("app", ({ message }) => message.includes("The target does not answer")),
      );
      await stage.target.restart();
      await recovered();

      const closed = await wire.close();
      await write("while the network was down");
      await stage.client.waitFor(
        "away",
        whenDatabase("app", ({ message, latency }) => message.includes("does not answer") && latency > 5),
      );
      await delay(thorough ? 25_000 : 5_000);
      await closed.open();
      await recovered();
      await cutOverAndCompare(stage, "away", "app");
    } finally {
      await wire.stop();
      await stage.close();
    }
  });

  test(
    "a source that is gone for good does not keep a cancel from ending, and what is left there is told by name",
    patience,
    async () => {
      const stage = await openOnlineStage();
      try {
        await stage.source.query("create database app");
        await stage.client.start("gone", onlineMigration(stage, ["app"]));
        await stage.client.waitForSubstate("gone", "WaitingForCutoverTrigger", 90);
        await stage.source.kill();
        await stage.client.cancel("gone");
        const end = await stage.client.waitForEnd("gone", { limitSeconds: 180 });
        expect(end.properties.currentStatus.state).toBe("Canceled");
        expect(end.properties.currentStatus.error).toContain("SELECT pg_drop_replication_slot('pgmig_");
        expect(await stage.target.query("select subname from pg_subscription")).toEqual([]);
      } finally {
        await stage.close();
      }
    },
  );
});

describe("the snapshot", () => {
  test("is relayed from keeper to keeper while changes gather in the slot", patience, async () => {
    const stage = await openOnlineStage({
      service: { settings: { ACTIVITY_BUDGET_SECONDS: "10", PART_SIZE_MB: "1" } },
    });
    const wire = await ThrottledProxy.start(stage.source);
    try {
      await seedTraffic(stage.source, "busy");
      const traffic = await Traffic.start(stage.source, "busy", 30);
      wire.limit(300_000);
      await stage.client.start(
        "relay",
        onlineMigration(stage, ["busy"], { sourceDbServerFullyQualifiedDomainName: `${wire.host}:${wire.port}` }),
      );
      const keepers = new Set<string>();
      await stage.client.waitForSubstate("relay", "MigratingData");
      const until = Date.now() + (thorough ? 60_000 : 20_000);
      while (Date.now() < until) {
        const rows = await stage.source.query<{ name: string }>(
          "select application_name as name from pg_stat_activity where application_name like '%keeper%'",
        );
        for (const { name } of rows) keepers.add(name);
        await delay(500);
      }
      wire.limit(Number.POSITIVE_INFINITY);
      await stage.client.waitForSubstate("relay", "WaitingForCutoverTrigger", 120);
      await traffic.stop();
      expect(keepers.size).toBeGreaterThan(2);
      await cutOverAndCompare(stage, "relay", "busy");
    } finally {
      await wire.stop();
      await stage.close();
    }
  });

  test("that is lost with every keeper is taken anew, from a new slot, and the message says so", patience, async () => {
    const stage = await openOnlineStage({ service: { settings: { PART_SIZE_MB: "1" } } });
    const wire = await ThrottledProxy.start(stage.source);
    try {
      await seedTraffic(stage.source, "busy");
      const traffic = await Traffic.start(stage.source, "busy", 30);
      wire.limit(500_000);
      await stage.client.start(
        "lost",
        onlineMigration(stage, ["busy"], { sourceDbServerFullyQualifiedDomainName: `${wire.host}:${wire.port}` }),
      );
      await stage.client.waitFor("lost", ({ properties }) => {
        const details = properties.currentStatus.currentSubStateDetails?.dbDetails?.busy;
        return (details?.fullLoadCompletedTables ?? 0) > 0 && (details?.fullLoadQueuedTables ?? 0) > 0;
      });
      await stage.source.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'migration %'",
      );
      wire.limit(Number.POSITIVE_INFINITY);
      const waiting = await stage.client.waitForSubstate("lost", "WaitingForCutoverTrigger", 150);
      const details = waiting.properties.currentStatus.currentSubStateDetails?.dbDetails?.busy;
      expect(details?.message).toContain("copy number 2 was made from a new slot");
      await traffic.stop();
      await cutOverAndCompare(stage, "lost", "busy");
    } finally {
      await wire.stop();
      await stage.close();
    }
  });
});
