import { afterAll, beforeAll, expect, test } from "vitest";
import { onlineMigration, openOnlineStage, replicationLeftovers } from "../fixtures/online-stage.js";
import type { Stage } from "../fixtures/stage.js";

const seconds = (count: number) => String(count / 86_400);
const schema =
  "create table t (id serial primary key, v text); insert into t (v) select 'x' from generate_series(1, 1000)";

let stage: Stage;
beforeAll(async () => {
  stage = await openOnlineStage({
    service: { settings: { CUTOVER_TIMEOUT_DAYS: seconds(6), MIGRATION_TIMEOUT_DAYS: seconds(60) } },
  });
  await stage.source.query("create database app");
  await stage.source.query(schema, { database: "app" });
});
afterAll(async () => await stage?.close());

test.each(["PerformingPreRequisiteSteps", "MigratingData", "WaitingForCutoverTrigger", "CompletingMigration"])(
  "a migration that is cancelled in %s leaves nothing on either server",
  { timeout: 180_000 },
  async (substate) => {
    const name = `cancel-${substate.toLowerCase()}`;
    await stage.client.start(name, onlineMigration(stage, ["app"]));
    if (substate === "CompletingMigration") {
      await stage.client.waitForSubstate(name, "WaitingForCutoverTrigger");
      await stage.client.patch(name, { triggerCutover: "True" });
    } else {
      await stage.client.waitForSubstate(name, substate);
    }
    await stage.client.cancel(name);
    const end = await stage.client.waitForEnd(name);
    // A cutover that is nearly done completes.
    expect(substate === "CompletingMigration" ? ["Canceled", "Succeeded"] : ["Canceled"]).toContain(
      end.properties.currentStatus.state,
    );
    expect(await replicationLeftovers(stage, ["app"])).toEqual([]);
  },
);

test("nobody triggers the cutover: the migration fails in the end, and leaves nothing", {
  timeout: 180_000,
}, async () => {
  await stage.client.start("forgotten", onlineMigration(stage, ["app"]));
  const end = await stage.client.waitForEnd("forgotten");
  expect(end.properties.currentStatus.state).toBe("Failed");
  expect(end.properties.currentStatus.error).toContain("CUTOVER_TIMEOUT_DAYS");
  expect(await replicationLeftovers(stage, ["app"])).toEqual([]);
});

test("a slot that is lost fails the migration, which leaves nothing", { timeout: 180_000 }, async () => {
  await stage.client.start("slotless", onlineMigration(stage, ["app"]));
  await stage.client.waitForSubstate("slotless", "WaitingForCutoverTrigger");
  // The target's worker comes back every few seconds.
  const drop = `
    select pg_terminate_backend(active_pid) from pg_replication_slots where active_pid is not null;
    select pg_sleep(0.1);
    select pg_drop_replication_slot(slot_name) from pg_replication_slots;
  `;
  while (
    await stage.source.query(drop).then(
      () => false,
      () => true,
    )
  );
  const end = await stage.client.waitForEnd("slotless");
  expect(end.properties.currentStatus.state).toBe("Failed");
  expect(end.properties.currentStatus.error).toContain("Somebody has dropped replication slot");
  expect(await replicationLeftovers(stage, ["app"])).toEqual([]);
});
