import { afterAll, beforeAll, expect, test } from "vitest";
import { seedMany } from "../../demo/seed/many.js";
import { offlineMigration } from "../../local/migration-client.js";
import { activityRuns, totalRuns } from "../fixtures/activity-runs.js";
import { Stage } from "../fixtures/stage.js";

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open();
  await seedMany(stage.source, { tables: 2000, rowsEach: 3 });
}, 120_000);

afterAll(async () => await stage?.close());

test("2,000 tables of a few rows need at most 60 activity runs", async () => {
  const { client, service, source, target } = stage;
  await client.start("many", offlineMigration(source, target, ["many"]));
  await client.waitFor("many", ({ properties }) => properties.currentStatus.state === "Succeeded", {
    limitSeconds: 110,
    everyMilliseconds: 1_000,
  });
  const runs = await activityRuns(service.url);
  console.log(`activity runs: ${JSON.stringify(Object.fromEntries(runs))}`);
  expect(totalRuns(runs)).toBeGreaterThan(0);
  expect(totalRuns(runs)).toBeLessThanOrEqual(60);
  expect(await stage.differences("many")).toEqual([]);
});
