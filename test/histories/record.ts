/**
 * Records the histories of real migrations, for replay.test.ts: `npm run record:histories`. To be done when orchestrators have changed
 * in a way that migrations running meanwhile do not survive, which is a new orchestration version (docs/operations.md, "Upgrading").
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { DurableStore } from "../../emulator/src/durable/store.js";
import { durableTables } from "../../emulator/src/storage/account.js";
import { EmbeddedServer } from "../../local/embedded-server.js";
import { offlineMigration } from "../../local/migration-client.js";
import { retryStatements } from "../fixtures/migration-statements.js";
import { onlineMigration, openOnlineStage } from "../fixtures/online-stage.js";
import type { Stage } from "../fixtures/stage.js";
import { saveHistories } from "./recorded-history.js";

const hub = "PostgresMigration";
const limits = {
  maximumShortTimerDuration: 40_000,
  longRunningTimerIntervalDuration: 20_000,
  maxOrchestrationActions: 100_000,
};
const patience = { timeout: 240_000 };

let stage: Stage;
let plain: EmbeddedServer;
beforeAll(async () => {
  [stage, plain] = await Promise.all([openOnlineStage(), EmbeddedServer.start({ major: 12 })]);
  await stage.source.query("create database app");
  const schema = `
    create table customers (id serial primary key, name text not null unique);
    create table orders (id serial primary key, customer integer references customers, v text);
    create view names as select name from customers;
    insert into customers (name) select 'name ' || n from generate_series(1, 500) as n;
    insert into orders (customer, v) select n, repeat('x', 100) from generate_series(1, 500) as n
  `;
  await stage.source.query(schema, { database: "app" });
  await plain.query("create database app");
  await stage.source.query("create database refused");
  await stage.source.query(
    `
      create function source_only(id integer) returns integer immutable language sql as $$
        select case when current_setting('server_version_num')::integer < 130000 then id else 0 end
      $$;
      create table t as select n as id from generate_series(1, 10) as n;
      create unique index t_once on t (source_only(id))
    `,
    { database: "refused" },
  );
}, 120_000);
afterAll(async () => {
  await Promise.all([stage?.close(), plain?.stop()]);
});

async function record(scenario: string): Promise<void> {
  const store = new DurableStore(durableTables(stage.azurite.connectionString, hub), hub);
  const { records } = await store.list({ instanceIdPrefix: `target_${scenario}` }, 500, undefined);
  expect(records.length).toBeGreaterThan(0);
  const histories = records.map(async (one) => ({
    orchestration: one.name,
    instanceId: one.instanceId,
    input: one.input,
    ...(one.parent === undefined ? {} : { parent: one.parent.instanceId }),
    limits,
    events: (await store.history(one)).map(({ MessageId: _, ...event }) => event),
  }));
  await saveHistories(scenario, await Promise.all(histories));
}

const ends = async (name: string, state: string) => {
  expect((await stage.client.waitForEnd(name, { limitSeconds: 180 })).properties.currentStatus.state).toBe(state);
  await record(name);
};
const waits = (name: string) => stage.client.waitForSubstate(name, "WaitingForCutoverTrigger", 90);
const pass = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1_000));

test("offline", patience, async () => {
  const body = offlineMigration(stage.source, stage.target, ["app"], { migrationOption: "ValidateAndMigrate" });
  await stage.client.start("offline", body);
  await ends("offline", "Succeeded");
});

test("held", patience, async () => {
  const held = { overwriteDbsInTarget: "False", startDataMigration: "False", migrateRoles: "True" };
  await stage.client.start("held", offlineMigration(stage.source, stage.target, ["app"], held));
  await stage.client.waitForSubstate("held", "WaitingForTargetDBOverwriteConfirmation");
  await stage.client.patch("held", { overwriteDbsInTarget: "True" });
  await stage.client.waitForSubstate("held", "WaitingForDataMigrationScheduling");
  await pass(12);
  await stage.client.patch("held", { startDataMigration: "True" });
  await ends("held", "Succeeded");
});

test("canceled", patience, async () => {
  await stage.client.start(
    "canceled",
    offlineMigration(stage.source, stage.target, ["app"], { startDataMigration: "False" }),
  );
  await stage.client.waitForSubstate("canceled", "WaitingForDataMigrationScheduling");
  await stage.client.cancel("canceled");
  await ends("canceled", "Canceled");
});

test("refused", patience, async () => {
  await stage.client.start("refused", offlineMigration(stage.source, stage.target, ["refused"]));
  await stage.client.waitForEnd("refused");
  expect((await retryStatements(stage, "refused")).status).toBe(202);
  await pass(5);
  await ends("refused", "Failed");
});

test("online", patience, async () => {
  await stage.client.start("online", onlineMigration(stage, ["app"]));
  await waits("online");
  await stage.client.patch("online", { triggerCutover: "True" });
  await ends("online", "Succeeded");
});

test("online-canceled", patience, async () => {
  await stage.client.start("online-canceled", onlineMigration(stage, ["app"]));
  await waits("online-canceled");
  await stage.client.cancel("online-canceled");
  await ends("online-canceled", "Canceled");
});

test("not-set-up", patience, async () => {
  const body = offlineMigration(plain, stage.target, ["app"], { migrationMode: "Online" });
  await stage.client.start("not-set-up", body);
  await stage.client.waitForSubstate("not-set-up", "WaitingForLogicalReplicationSetupRequestOnSourceDB");
  await pass(12);
  await stage.client.cancel("not-set-up");
  await ends("not-set-up", "Canceled");
});

test("restarted", patience, async () => {
  await stage.client.start("restarted", onlineMigration(stage, ["app"]));
  await waits("restarted");
  await stage.service.kill();
  await stage.service.restart();
  await pass(26);
  await stage.client.patch("restarted", { triggerCutover: "True" });
  await ends("restarted", "Succeeded");
});
