import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seedSkewed } from "../../demo/seed/skewed.js";
import { offlineMigration } from "../../local/migration-client.js";
import { Stage } from "../fixtures/stage.js";
import { ThrottledProxy } from "../fixtures/throttled-proxy.js";

let stage: Stage;
let wire: ThrottledProxy;

beforeAll(async () => {
  stage = await Stage.open({ service: { settings: { PART_SIZE_MB: "16" } } });
  await seedSkewed(stage.source, { scale: 0.3 });
  wire = await ThrottledProxy.start(stage.source);
}, 120_000);

afterAll(async () => {
  await wire?.stop();
  await stage?.close();
});

test("a cancel in mid-copy ends every session of ours within 10 s and leaves the target as it is", async () => {
  const { client, source, target } = stage;
  wire.limit(4_000_000);
  const slowSource = { ...address(source), port: wire.port };
  await client.start("cancel-me", offlineMigration(slowSource, target, ["skewed"]));
  await client.waitFor("cancel-me", ({ properties }) => {
    const details = properties.currentStatus.currentSubStateDetails?.dbDetails?.skewed;
    return (details?.fullLoadLoadingTables ?? 0) > 0;
  });
  await delay(2_000);
  expect((await stage.sessions()).length).toBeGreaterThan(0);

  const asked = Date.now();
  expect((await client.cancel("cancel-me")).status).toBeLessThan(300);
  while ((await stage.sessions()).length > 0 && Date.now() - asked < 15_000) await delay(100);
  const took = Date.now() - asked;
  const end = await client.waitForState("cancel-me", "Canceled", 15);
  console.log(`no session was left after ${took} ms, Canceled after ${Date.now() - asked} ms`);

  expect(took).toBeLessThan(10_000);
  expect(await stage.sessions()).toEqual([]);
  const details = end.properties.currentStatus.currentSubStateDetails?.dbDetails?.skewed;
  expect(details?.migrationState).toBe("Canceled");
  const tables = await target.query("select to_regclass('public.events') is not null as there", { database: "skewed" });
  expect(tables).toEqual([{ there: true }]);
});

test("a migration that was cancelled cannot be cancelled again", async () => {
  const { status, body } = await stage.client.cancel("cancel-me");
  expect(status).toBe(409);
  expect(body).toMatchObject({ error: { code: expect.any(String), message: expect.stringContaining("cancel-me") } });
});

test("a cancel of one database leaves the other, and the migration goes on in MigratingData", async () => {
  const { client, source, target } = stage;
  await source.query("create database other template skewed");
  wire.limit(4_000_000);
  await client.start(
    "one-of-two",
    offlineMigration({ ...address(source), port: wire.port }, target, ["skewed", "other"]),
  );
  await client.waitForSubstate("one-of-two", "MigratingData");
  await client.patch("one-of-two", { cancel: "True", dbsToCancelMigrationOn: ["other"] });
  const goingOn = await client.waitFor("one-of-two", ({ properties }) => {
    const details = properties.currentStatus.currentSubStateDetails;
    return details?.dbDetails?.other?.migrationState === "Canceled" && details.currentSubState === "MigratingData";
  });
  expect(goingOn.properties.currentStatus).toMatchObject({
    state: "InProgress",
    currentSubStateDetails: { dbDetails: { skewed: { migrationState: "InProgress" } } },
  });
  await client.cancel("one-of-two");
  await client.waitForState("one-of-two", "Canceled");
});

test("after a cancel another migration of the same database succeeds", async () => {
  wire.limit(Number.POSITIVE_INFINITY);
  await stage.client.start("again", offlineMigration(stage.source, stage.target, ["skewed"]));
  await stage.client.waitForState("again", "Succeeded", 90);
  expect(await stage.differences("skewed")).toEqual([]);
  expect(await stage.sessions()).toEqual([]);
});

function address({
  host,
  port,
  user,
  password,
}: Stage["source"]): Pick<Stage["source"], "host" | "port" | "user" | "password"> {
  return { host, port, user, password };
}
