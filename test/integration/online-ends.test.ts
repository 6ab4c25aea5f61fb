/** However an online migration ends before its time, nothing of it stays on either server. Failures of the copy and the longest time-out are in online-failures.test.ts. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { onlineMigration, openOnlineStage, replicationLeftovers } from "../fixtures/online-stage.js";
import type { Stage } from "../fixtures/stage.js";
import { ThrottledProxy } from "../fixtures/throttled-proxy.js";

const seconds = (count: number) => String(count / 86_400);
const patience = { timeout: 180_000 };
const schema =
  "create table t (id serial primary key, v text); insert into t (v) select 'x' from generate_series(1, 1000)";

let stage: Stage;
/** The way to the source, for tests that have to meet a migration in a moment that is short. */
let wire: ThrottledProxy;
beforeAll(async () => {
  stage = await openOnlineStage({
    service: {
      settings: {
        CUTOVER_TIMEOUT_DAYS: seconds(6),
        CUTOVER_LIMIT_MINUTES: String(4 / 60),
        MIGRATION_TIMEOUT_DAYS: seconds(60),
      },
    },
  });
  wire = await ThrottledProxy.start(stage.source);
  await stage.source.query("create database app");
  await stage.source.query(schema, { database: "app" });
});
beforeEach(() => wire.limit(Number.POSITIVE_INFINITY));
afterAll(async () => {
  await wire?.stop();
  await stage?.close();
});

async function start(name: string, database: string, properties: Record<string, unknown> = {}): Promise<void> {
  const sourceDbServerFullyQualifiedDomainName = `${wire.host}:${wire.port}`;
  const body = onlineMigration(stage, [database], { sourceDbServerFullyQualifiedDomainName, ...properties });
  await stage.client.start(name, body);
}

/** How the migration ended, in its own words, after nothing of it was found on either server. */
async function endOf(name: string, database: string): Promise<{ state: string; error: string }> {
  const { state, error } = (await stage.client.waitForEnd(name)).properties.currentStatus;
  expect(await replicationLeftovers(stage, [database])).toEqual([]);
  return { state, error: error ?? "" };
}

test.each([
  ["PerformingPreRequisiteSteps", {}],
  ["WaitingForTargetDBOverwriteConfirmation", { overwriteDbsInTarget: "False" }],
  ["ValidationInProgress", { migrationOption: "ValidateAndMigrate" }],
  ["WaitingForDataMigrationScheduling", { startDataMigration: "False" }],
  ["MigratingData", {}],
] as const)(
  "a migration that is cancelled in %s leaves nothing on either server",
  patience,
  async (substate, properties) => {
    if (substate === "WaitingForTargetDBOverwriteConfirmation") {
      await stage.target.query("drop database if exists app");
      await stage.target.query("create database app");
    }
    const name = `cancel-${substate.toLowerCase()}`;
    if (substate === "ValidationInProgress") wire.limit(20_000);
    await start(name, "app", properties);
    await stage.client.waitForSubstate(name, substate);
    await stage.client.cancel(name);
    expect(await endOf(name, "app")).toMatchObject({ state: "Canceled" });
  },
);

test("a migration that is cancelled in CompletingMigration completes or leaves nothing", patience, async () => {
  await start("late-cancel", "app");
  await stage.client.waitForSubstate("late-cancel", "WaitingForCutoverTrigger");
  await stage.client.patch("late-cancel", { triggerCutover: "True" });
  await stage.client.cancel("late-cancel");
  const { state } = await endOf("late-cancel", "app");
  expect(["Canceled", "Succeeded"]).toContain(state);
});

test(
  "a cancel in WaitingForCutoverTrigger leaves nothing, and may be repeated while it is carried out",
  patience,
  async () => {
    await start("twice", "app");
    await stage.client.waitForSubstate("twice", "WaitingForCutoverTrigger");
    wire.limit(2_000);
    await stage.client.cancel("twice");
    await stage.client.waitForSubstate("twice", "CancelingRequestedDBMigrations");
    expect((await stage.client.cancel("twice")).status).toBe(200);
    wire.limit(Number.POSITIVE_INFINITY);
    expect(await endOf("twice", "app")).toMatchObject({ state: "Canceled" });
  },
);

test("nobody triggers the cutover: the migration fails in the end, and leaves nothing", patience, async () => {
  await start("forgotten", "app");
  const { state, error } = await endOf("forgotten", "app");
  expect(state).toBe("Failed");
  expect(error).toContain("CUTOVER_TIMEOUT_DAYS");
});

test(
  "a target that cannot reach the cutover point goes back to following, and says what is outstanding and why",
  patience,
  async () => {
    await start("unreached", "app");
    await stage.client.waitForSubstate("unreached", "WaitingForCutoverTrigger");
    await stage.target.query("insert into t values (5000, 'in the way')", { database: "app" });
    await stage.source.query("insert into t values (5000, 'wanted')", { database: "app" });
    await stage.client.patch("unreached", { triggerCutover: "True", forceCutover: "True" });
    await stage.client.waitFor("unreached", ({ properties }) =>
      /The cutover has failed: .*CUTOVER_LIMIT_MINUTES/.test(properties.currentStatus.error ?? ""),
    );
    const failed = (await stage.client.get("unreached")).properties.currentStatus.error ?? "";
    expect(failed).toMatch(/\d+ bytes of WAL to apply up to the cutover point/);
    expect(failed).toContain('duplicate key value violates unique constraint "t_pkey"');
    // Nobody triggers another one.
    const { state, error } = await endOf("unreached", "app");
    await stage.source.query("delete from t where id = 5000", { database: "app" });
    expect(state).toBe("Failed");
    expect(error).toMatch(/CUTOVER_TIMEOUT_DAYS|MIGRATION_TIMEOUT_DAYS/);
  },
);

test("a slot that is lost fails the migration, which leaves nothing", patience, async () => {
  await start("slotless", "app");
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
  const { state, error } = await endOf("slotless", "app");
  expect(state).toBe("Failed");
  expect(error).toContain("Somebody has dropped replication slot");
});
