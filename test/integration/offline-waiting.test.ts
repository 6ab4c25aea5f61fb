import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seedMany } from "../../demo/seed/many.js";
import { offlineMigration } from "../../local/migration-client.js";
import { Stage } from "../fixtures/stage.js";

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open();
  await seedMany(stage.source, { database: "small", tables: 3 });
  for (const database of ["mine", "scheduled", "windowed", "absent"]) {
    await seedMany(stage.source, { database, tables: 3 });
  }
}, 120_000);

afterAll(async () => await stage?.close());

async function begin(name: string, database: string, properties: Record<string, unknown>): Promise<void> {
  await stage.client.start(name, offlineMigration(stage.source, stage.target, [database], properties));
}

test("overwriteDbsInTarget False leaves a database of that name alone until a PATCH confirms", async () => {
  await stage.target.query("create database mine");
  await stage.target.query("create table precious as select 1 as one", { database: "mine" });
  await begin("overwrite", "mine", { overwriteDbsInTarget: "False" });
  const waiting = await stage.client.waitForSubstate("overwrite", "WaitingForTargetDBOverwriteConfirmation");
  expect(waiting.properties.currentStatus.state).toBe("WaitingForUserAction");
  await delay(1_000);
  expect(await stage.target.query("select one from precious", { database: "mine" })).toEqual([{ one: 1 }]);
  expect((await stage.client.patch("overwrite", { overwriteDbsInTarget: "True" })).status).toBe(200);
  await stage.client.waitForState("overwrite", "Succeeded");
  expect(await stage.differences("mine")).toEqual([]);
});

test("overwriteDbsInTarget False asks nothing when the target has no such database", async () => {
  await begin("nothing-there", "absent", { overwriteDbsInTarget: "False" });
  await stage.client.waitForState("nothing-there", "Succeeded");
  expect(await stage.differences("absent")).toEqual([]);
});

test("overwriteDbsInTarget True replaces a database whose sessions are ended", async () => {
  await stage.target.query("create database small");
  const session = await stage.target.connect("small");
  await session.query("create table old_one (id integer)");
  await begin("replace", "small", { overwriteDbsInTarget: "True" });
  await stage.client.waitForState("replace", "Succeeded");
  await expect(session.query("select 1")).rejects.toThrow();
  expect(await stage.differences("small")).toEqual([]);
});

test("startDataMigration False holds the migration until a PATCH starts it", async () => {
  await begin("hold", "scheduled", { startDataMigration: "False" });
  const waiting = await stage.client.waitForSubstate("hold", "WaitingForDataMigrationScheduling");
  expect(waiting.properties.currentStatus.state).toBe("WaitingForUserAction");
  expect(await stage.target.query("select 1 from pg_database where datname = 'scheduled'")).toEqual([]);
  expect((await stage.client.patch("hold", { startDataMigration: "True" })).status).toBe(200);
  await stage.client.waitForState("hold", "Succeeded");
  expect(await stage.differences("scheduled")).toEqual([]);
});

test("a migration window holds the migration until it opens", async () => {
  const opens = new Date(Date.now() + 6_000);
  await begin("window", "windowed", {
    migrationWindowStartTimeInUtc: opens.toISOString(),
    migrationWindowEndTimeInUtc: new Date(opens.getTime() + 3_600_000).toISOString(),
  });
  await stage.client.waitForSubstate("window", "WaitingForDataMigrationWindow", 6);
  const end = await stage.client.waitForState("window", "Succeeded");
  const started = end.properties.currentStatus.currentSubStateDetails?.dbDetails?.windowed?.startedOn ?? "";
  expect(Date.parse(started)).toBeGreaterThanOrEqual(opens.getTime());
  expect(await stage.differences("windowed")).toEqual([]);
});

test("a migration that waits can be cancelled", async () => {
  await begin("never", "scheduled", { startDataMigration: "False" });
  await stage.client.waitForSubstate("never", "WaitingForDataMigrationScheduling");
  expect((await stage.client.cancel("never")).status).toBeLessThan(300);
  await stage.client.waitForState("never", "Canceled", 10);
  expect(await stage.sessions()).toEqual([]);
});
