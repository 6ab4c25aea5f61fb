import { afterAll, beforeAll, expect, test } from "vitest";
import { seedSkewed } from "../../demo/seed/skewed.js";
import { offlineMigration } from "../../local/migration-client.js";
import { Stage } from "../fixtures/stage.js";
import { ThrottledProxy } from "../fixtures/throttled-proxy.js";

/** Seconds. Microsoft's engine (npm run test:engine) takes work up again only when the leases of the lost host have run out. */
const patience = process.env.DURABLE_ENGINE === undefined ? 90 : 240;

const limit = { timeout: (patience + 30) * 1_000 };

let stage: Stage;
let wire: ThrottledProxy;

beforeAll(async () => {
  stage = await Stage.open({ service: { settings: { PART_SIZE_MB: "16" } } });
  await seedSkewed(stage.source, { scale: 0.2 });
  wire = await ThrottledProxy.start(stage.source);
}, 120_000);

afterAll(async () => {
  await wire?.stop();
  await stage?.close();
});

/** Starts a migration over a slow wire and waits until rows are on their way. */
async function startSlowly(name: string): Promise<void> {
  const { client, source, target } = stage;
  wire.limit(5_000_000);
  const slow = { host: wire.host, port: wire.port, user: source.user, password: source.password };
  await client.start(name, offlineMigration(slow, target, ["skewed"]));
  await client.waitFor(name, ({ properties }) => {
    const details = properties.currentStatus.currentSubStateDetails?.dbDetails?.skewed;
    return (details?.fullLoadLoadingTables ?? 0) > 0;
  });
  const limit = Date.now() + 20_000;
  while (Date.now() < limit) {
    const parts = (await client.tables(name)).flatMap((table) => table.parts);
    if (parts.some(({ state, bytes }) => state === "loading" && bytes > 0)) return;
  }
  throw new Error("no part was ever seen in the middle of its copy");
}

async function expectSuccess(name: string): Promise<void> {
  wire.limit(Number.POSITIVE_INFINITY);
  await stage.client.waitForState(name, "Succeeded", patience);
  expect(await stage.differences("skewed")).toEqual([]);
  expect(await stage.sessions()).toEqual([]);
}

test("a worker killed in mid-copy costs nothing: the migration succeeds, every row is there once", limit, async () => {
  await startSlowly("one-worker");
  const [victim] = await stage.service.workerPids();
  if (victim === undefined) throw new Error("no worker process found");
  process.kill(victim, "SIGKILL");
  await expectSuccess("one-worker");
});

test("all workers killed in mid-copy, at once: likewise", limit, async () => {
  await startSlowly("all-workers");
  const victims = await stage.service.workerPids();
  expect(victims.length).toBeGreaterThanOrEqual(2);
  for (const victim of victims) process.kill(victim, "SIGKILL");
  await expectSuccess("all-workers");
});

test("the host killed in mid-copy and started again: likewise", limit, async () => {
  await startSlowly("host-killed");
  await stage.service.kill();
  await stage.service.restart();
  await expectSuccess("host-killed");
});

test("the host stopped in mid-copy and started again: likewise", limit, async () => {
  await startSlowly("host-stopped");
  await stage.service.restart();
  await expectSuccess("host-stopped");
});

test("every connection to the source cut in mid-copy: likewise", limit, async () => {
  await startSlowly("cut");
  wire.cut();
  await expectSuccess("cut");
});
