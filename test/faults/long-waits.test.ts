/**
 * Migrations that wait for days, a day scaled to five seconds: every wait crosses several of Durable's timers, whose limits are
 * scaled likewise (openOnlineStage). While a migration waits, its orchestration must stay one that the host can replay.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { onlineMigration, openOnlineStage, replicationLeftovers } from "../fixtures/online-stage.js";
import type { Stage } from "../fixtures/stage.js";

const patience = { timeout: 240_000 };
const databases = ["days", "held", "canceled", "scheduled"];
/** More than one leg of a long timer, and five timers of a migration's own. */
const daysMs = 26_000;

let stage: Stage;
beforeAll(async () => {
  stage = await openOnlineStage();
  for (const database of databases) {
    await stage.source.query(`create database ${database}`);
    await stage.source.query("create table t (id serial primary key, v text); insert into t (v) values ('first')", {
      database,
    });
  }
});
afterAll(async () => await stage?.close());

const waits = (name: string) => stage.client.waitForSubstate(name, "WaitingForCutoverTrigger", 90);
const write = (database: string) => stage.source.query("insert into t (v) values ('later')", { database });
const letDaysPass = () => new Promise((resolve) => setTimeout(resolve, daysMs));

async function cutOver(name: string): Promise<void> {
  await stage.client.patch(name, { triggerCutover: "True" });
  const end = await stage.client.waitForEnd(name, { limitSeconds: 120 });
  expect(end.properties.currentStatus.state).toBe("Succeeded");
  expect(await stage.differences(name)).toEqual([]);
}

describe.concurrent("after days of waiting", () => {
  test("a cutover goes through", patience, async () => {
    await stage.client.start("days", onlineMigration(stage, ["days"]));
    await waits("days");
    await letDaysPass();
    await write("days");
    await cutOver("days");
  });

  test("a migration that was held before its start goes on, waits again, and is cut over", patience, async () => {
    await stage.client.start("held", onlineMigration(stage, ["held"], { startDataMigration: "False" }));
    await stage.client.waitForSubstate("held", "WaitingForDataMigrationScheduling");
    await letDaysPass();
    await stage.client.patch("held", { startDataMigration: "True" });
    await waits("held");
    await letDaysPass();
    await write("held");
    await cutOver("held");
  });

  test("a cancel ends it", patience, async () => {
    await stage.client.start("canceled", onlineMigration(stage, ["canceled"]));
    await waits("canceled");
    await letDaysPass();
    await stage.client.cancel("canceled");
    expect((await stage.client.waitForEnd("canceled")).properties.currentStatus.state).toBe("Canceled");
  });

  test("a window that was days away opens, not before its time", patience, async () => {
    const opens = new Date(Date.now() + daysMs);
    await stage.client.start(
      "scheduled",
      onlineMigration(stage, ["scheduled"], {
        startDataMigration: "False",
        migrationWindowStartTimeInUtc: opens.toISOString(),
      }),
    );
    await stage.client.waitForSubstate("scheduled", "WaitingForDataMigrationWindow");
    await stage.client.waitForSubstate("scheduled", "MigratingData", 60);
    expect(Date.now()).toBeGreaterThanOrEqual(opens.getTime());
    await waits("scheduled");
    await write("scheduled");
    await cutOver("scheduled");
  });
});

test("nothing of them is left on any server", async () => {
  expect(await replicationLeftovers(stage, databases)).toEqual([]);
});
