import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seedTraffic, Traffic } from "../../demo/seed/traffic.js";
import { Journal, readJournal } from "../fixtures/journal.js";
import { onlineMigration, openOnlineStage, replicationLeftovers, whenDatabase } from "../fixtures/online-stage.js";
import type { Stage } from "../fixtures/stage.js";
import { thorough } from "../fixtures/thorough.js";

/** A busy machine must not make a promise fail; the demo holds the service to three seconds on an idle one. */
const patience = 240_000;

/** How far the target is behind when the cutover is asked for. */
const backlogSeconds = thorough ? 60 : 5;

describe.each([
  [11, 17],
  [17, 18],
] as const)("from %i to %i", (from, to) => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openOnlineStage({ source: { major: from }, target: { major: to } });
  });
  afterAll(async () => await stage?.close());

  test("a database that is written to all the time arrives whole, with every kind of replica identity", {
    timeout: patience,
  }, async () => {
    await seedTraffic(stage.source, "busy");
    const traffic = await Traffic.start(stage.source, "busy", 150);
    await stage.client.start("busy", onlineMigration(stage, ["busy"]));
    await stage.client.waitForSubstate("busy", "WaitingForCutoverTrigger", 120);
    const counted = await stage.client.waitFor("busy", ({ properties }) => {
      const details = properties.currentStatus.currentSubStateDetails?.dbDetails?.busy;
      return [details?.cdcInsertCounter, details?.cdcUpdateCounter, details?.cdcDeleteCounter].every(
        (counter) => (counter ?? 0) > 0,
      );
    });
    expect(counted.properties.currentStatus.state).toBe("WaitingForUserAction");
    await traffic.stop();
    const cutover = await stage.client.patch("busy", { triggerCutover: "True" });
    expect(cutover.status).toBe(200);
    const end = await stage.client.waitForEnd("busy");
    expect(end.properties.currentStatus).toMatchObject({
      state: "Succeeded",
      currentSubStateDetails: { currentSubState: "Completed" },
    });
    expect(await stage.differences("busy")).toEqual([]);
    expect(await replicationLeftovers(stage, ["busy"])).toEqual([]);
    expect(await stage.secretsFound()).toEqual([]);
  });
});

describe("while the target follows", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openOnlineStage({
      source: { settings: { max_replication_slots: "12", max_wal_senders: "12" } },
      target: { settings: { max_logical_replication_workers: "12", max_worker_processes: "20" } },
    });
  });
  afterAll(async () => await stage?.close());

  async function follow(database: string, schema: string, databases = [database]): Promise<void> {
    for (const name of databases) {
      await stage.source.query(`create database ${name}`);
      await stage.source.query(schema, { database: name });
    }
    await stage.client.start(database, onlineMigration(stage, databases));
    await stage.client.waitForSubstate(database, "WaitingForCutoverTrigger", 120);
  }

  const items = "create table items (id serial primary key, v text); insert into items (v) values ('first')";

  test("under load, behind a backlog, all that was committed before the cutover is on the target, and what came later is counted", {
    timeout: patience,
  }, async () => {
    await seedTraffic(stage.source, "loaded");
    const journal = await Journal.start(stage.source, "loaded");
    const traffic = await Traffic.start(stage.source, "loaded", 100);
    await stage.client.start("loaded", onlineMigration(stage, ["loaded"]));
    await stage.client.waitForSubstate("loaded", "WaitingForCutoverTrigger", 120);
    const [subscription] = await stage.target.query<{ name: string }>(
      "select subname as name from pg_subscription join pg_database as d on d.oid = subdbid where datname = 'loaded'",
    );
    await stage.target.query(`alter subscription ${subscription?.name} disable`, { database: "loaded" });
    await stage.client.waitFor(
      "loaded",
      whenDatabase(
        "loaded",
        ({ latency, message }) => latency >= backlogSeconds && message.includes("is disabled on the target"),
      ),
      { limitSeconds: backlogSeconds + 60 },
    );
    const before = journal.committed;
    await stage.client.patch("loaded", { triggerCutover: "True" });
    const end = await stage.client.waitForEnd("loaded", { limitSeconds: 120 });
    await Promise.all([journal.stop(), traffic.stop()]);
    expect(end.properties.currentStatus.state).toBe("Succeeded");
    const { highest, numbers, latest } = await readJournal(stage.target, "loaded");
    expect(highest).toBeGreaterThanOrEqual(before);
    expect({ numbers, latest }).toEqual({ numbers: highest, latest: highest });
    const details = end.properties.currentStatus.currentSubStateDetails?.dbDetails?.loaded;
    expect(details?.message).toMatch(/\d+ row changes reached the source after the cutover point/);
    expect(await replicationLeftovers(stage, ["loaded"])).toEqual([]);
  });

  test("a conflict, and DDL that the target does not know, are told, and gone when their cause is", {
    timeout: patience,
  }, async () => {
    await follow("conflict", items);
    await stage.target.query("insert into items (id, v) values (100, 'in the way')", { database: "conflict" });
    await stage.source.query("insert into items (id, v) values (100, 'wanted')", { database: "conflict" });
    const broken = whenDatabase(
      "conflict",
      ({ message }) => message.includes("duplicate key value") && message.includes("items"),
    );
    await stage.client.waitFor("conflict", broken);
    await stage.target.query("delete from items where id = 100", { database: "conflict" });
    await stage.client.waitFor(
      "conflict",
      whenDatabase("conflict", ({ message, latency }) => message === "" && latency < 5),
    );
    await stage.source.query(
      "alter table items add column note text; insert into items (v, note) values ('noted', 'new')",
      {
        database: "conflict",
      },
    );
    await stage.client.waitFor(
      "conflict",
      whenDatabase("conflict", ({ message }) => message.includes("items") && message.includes("note")),
    );
    await stage.target.query("alter table items add column note text", { database: "conflict" });
    await stage.client.waitFor(
      "conflict",
      whenDatabase("conflict", ({ message, latency }) => message === "" && latency < 5),
    );
    await stage.client.patch("conflict", { triggerCutover: "True" });
    await stage.client.waitForState("conflict", "Succeeded");
    expect(await stage.differences("conflict")).toEqual([]);
  });

  test("TRUNCATE is replicated, a new table is named as a warning, late writes are counted", {
    timeout: patience,
  }, async () => {
    await follow(
      "changes",
      `
        ${items};
        create table emptied (a int primary key);
        insert into emptied values (1);
        create materialized view counted as select count(*)::int as rows from emptied;
      `,
    );
    await stage.source.query(
      "truncate emptied; create table added_later (a int primary key); insert into added_later values (1)",
      {
        database: "changes",
      },
    );
    await stage.client.waitFor(
      "changes",
      whenDatabase("changes", ({ message }) => message.includes("public.added_later")),
    );
    await stage.client.patch("changes", { triggerCutover: "True" });
    await stage.client.waitForState("changes", "Succeeded");
    const [emptied] = await stage.target.query("select count(*)::int as rows from emptied", { database: "changes" });
    expect(emptied).toEqual({ rows: 0 });
    // Refreshed at the cutover.
    expect(await stage.target.query("select rows from counted", { database: "changes" })).toEqual([{ rows: 0 }]);
  });

  test("databases cut over one by one; a cancelled one leaves the others following", {
    timeout: patience,
  }, async () => {
    const databases = ["one", "two", "three"];
    await follow("one", items, databases);
    expect((await stage.client.patch("one", { triggerCutover: "True", dbsToTriggerCutoverOn: ["four"] })).status).toBe(
      400,
    );
    await stage.client.patch("one", { triggerCutover: "True", dbsToTriggerCutoverOn: ["one"] });
    await stage.client.waitFor(
      "one",
      whenDatabase("one", ({ state }) => state === "Succeeded"),
    );
    await stage.client.patch("one", { cancel: "True", dbsToCancelMigrationOn: ["two"] });
    await stage.client.waitFor(
      "one",
      whenDatabase("two", ({ state }) => state === "Canceled"),
    );
    await stage.client.waitForSubstate("one", "WaitingForCutoverTrigger");
    await stage.source.query("insert into items (v) values ('still following')", { database: "three" });
    await stage.client.patch("one", { triggerCutover: "True", dbsToTriggerCutoverOn: ["three"] });
    const end = await stage.client.waitForEnd("one");
    expect(end.properties.currentStatus.state).toBe("Succeeded");
    expect(await stage.differences("three")).toEqual([]);
    expect(await replicationLeftovers(stage, databases)).toEqual([]);
  });
});

describe("eight databases", () => {
  test("follow at once, and cut over together", { timeout: patience }, async () => {
    const databases = Array.from({ length: 8 }, (_, index) => `db${index + 1}`);
    const stage = await openOnlineStage({
      target: { settings: { max_logical_replication_workers: "10", max_worker_processes: "16" } },
      service: { settings: { REFRESH_MATERIALIZED_VIEWS: "false" } },
    });
    try {
      for (const database of databases) {
        await stage.source.query(`create database ${database}`);
        await stage.source.query(
          "create table items (id serial primary key, v text); create materialized view counted as select count(*)::int as rows from items",
          { database },
        );
      }
      await stage.client.start("eight", onlineMigration(stage, databases));
      await stage.client.waitForSubstate("eight", "WaitingForCutoverTrigger", 150);
      for (const database of databases) {
        await stage.source.query("insert into items (v) select 'x' from generate_series(1, 1000)", { database });
      }
      const began = Date.now();
      await stage.client.patch("eight", { triggerCutover: "True" });
      const end = await stage.client.waitForEnd("eight");
      console.log(`eight databases cut over in ${(Date.now() - began) / 1_000} s`);
      expect(end.properties.currentStatus.state).toBe("Succeeded");
      for (const database of databases) {
        expect(await stage.differences(database)).toEqual([]);
        // Left as they were copied, for a setting says so.
        expect(await stage.target.query("select rows from counted", { database })).toEqual([{ rows: 0 }]);
      }
      expect(await replicationLeftovers(stage, databases)).toEqual([]);
    } finally {
      await stage.close();
    }
  });
});

describe("a source that is not set up", () => {
  test("lets a migration be cancelled that waits for it", { timeout: patience }, async () => {
    const stage = await openOnlineStage({ source: { settings: { wal_level: "replica" } } });
    try {
      await stage.source.query("create database plain");
      await stage.client.start("plain", onlineMigration(stage, ["plain"]));
      await stage.client.waitForSubstate("plain", "WaitingForLogicalReplicationSetupRequestOnSourceDB");
      await stage.client.cancel("plain");
      const { properties } = await stage.client.waitForState("plain", "Canceled");
      expect(properties.currentStatus.currentSubStateDetails?.dbDetails?.plain?.migrationState).toBe("Canceled");
      expect(await replicationLeftovers(stage, ["plain"])).toEqual([]);
    } finally {
      await stage.close();
    }
  });

  test("is set up on request, and the migration goes on when it has been restarted", {
    timeout: patience,
  }, async () => {
    const stage = await openOnlineStage({ source: { settings: { wal_level: "replica" } } });
    try {
      await stage.source.query("create database plain");
      await stage.client.start("plain", onlineMigration(stage, ["plain"]));
      const waiting = await stage.client.waitForSubstate("plain", "WaitingForLogicalReplicationSetupRequestOnSourceDB");
      expect(waiting.properties.currentStatus.state).toBe("WaitingForUserAction");
      expect(waiting.properties.currentStatus.error).toContain("wal_level is replica and must be logical");
      expect((await stage.client.patch("plain", { triggerCutover: "True" })).status).toBe(409);
      await stage.client.patch("plain", { setupLogicalReplicationOnSourceDbIfNeeded: "True" });
      const asked = await stage.client.waitFor("plain", ({ properties }) =>
        (properties.currentStatus.error ?? "").includes("restart it"),
      );
      expect(asked.properties.currentStatus.error).toContain("has been set up for logical replication");
      await stage.source.restart();
      await stage.client.waitForSubstate("plain", "WaitingForCutoverTrigger", 90);
      await stage.client.cancel("plain");
      await stage.client.waitForState("plain", "Canceled");
      expect(await replicationLeftovers(stage, ["plain"])).toEqual([]);
    } finally {
      await stage.close();
    }
  });
});
