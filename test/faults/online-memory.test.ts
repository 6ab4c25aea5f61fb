/** Memory does not grow with the source's transactions: one that comes after the cutover point, and one that conflicts, of a million and a half rows each. */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FollowedDatabase, manySubscriptions } from "../fixtures/followed-database.js";
import { openOnlineStage } from "../fixtures/online-stage.js";
import type { Stage } from "../fixtures/stage.js";

const limitMegabytes = 300;
const rows = 1_500_000;
const patience = { timeout: 400_000 };

let stage: Stage;
beforeAll(async () => {
  stage = await openOnlineStage({ source: { major: 17 }, target: { major: 17, settings: manySubscriptions.target } });
}, 120_000);
afterAll(async () => await stage?.close());

/** The most physical memory, in MB, that any worker has had (VmHWM, proc(5)). */
async function peak(): Promise<number> {
  const peaks: number[] = [];
  for (const pid of await stage.service.workerPids()) {
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
    peaks.push(Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1_024);
  }
  return Math.max(...peaks);
}

test.skipIf(process.platform !== "linux")(
  `a worker needs less than ${limitMegabytes} MB for a transaction of ${rows} rows after the cutover point`,
  patience,
  async () => {
    const database = await FollowedDatabase.follow(
      stage,
      "late",
      `
        create table t (id int primary key, v text);
        create materialized view held as select count(*) as c, pg_sleep(20)::text as x from t;
      `,
    );
    expect((await database.trigger()).status).toBe(200);
    await stage.client.waitForSubstate("late", "CompletingMigration");
    for (;;) {
      const [{ currentStep } = { currentStep: "" }] = await stage.client.databases("late");
      if (currentStep === "completing the cutover") break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await database.onSource(`insert into t select g, repeat('x', 20) from generate_series(1, ${rows}) g`);
    const { state, message } = await database.end();
    const megabytes = await peak();
    console.log(`peak memory of a worker: ${Math.round(megabytes)} MB; ${message}`);
    expect(state).toBe("Succeeded");
    expect(message).toMatch(
      /row changes reached the source after the cutover point|more than the source could tell in time/,
    );
    expect(megabytes).toBeLessThan(limitMegabytes);
  },
);

test.skipIf(process.platform !== "linux")(
  `a worker needs less than ${limitMegabytes} MB to explain why a transaction of ${rows} rows is not applied`,
  patience,
  async () => {
    const database = await FollowedDatabase.follow(stage, "stuck", "create table t (id int primary key, v text)");
    await database.onTarget("insert into t values (1, 'mine')");
    await database.onSource(`insert into t select g, repeat('x', 20) from generate_series(1, ${rows}) g`);
    await database.message(/insert on public\.t: duplicate key value violates unique constraint "t_pkey"/);
    const megabytes = await peak();
    console.log(`peak memory of a worker: ${Math.round(megabytes)} MB`);
    expect(megabytes).toBeLessThan(limitMegabytes);
    await stage.client.cancel("stuck");
    expect((await database.end()).state).toBe("Canceled");
  },
);
