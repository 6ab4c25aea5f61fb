import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seedSkewed } from "../../demo/seed/skewed.js";
import { offlineMigration } from "../../local/migration-client.js";
import { Stage } from "../fixtures/stage.js";

// 1 GB of table is scale 3; the promise is about 2 GB (COPY_MEMORY_SCALE=6), whose seeding alone takes a minute.
const scale = Number(process.env.COPY_MEMORY_SCALE ?? "1");
const limitMegabytes = 300;

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open();
  await seedSkewed(stage.source, { scale });
}, 600_000);

afterAll(async () => await stage?.close());

test.skipIf(process.platform !== "linux")(
  `a worker needs less than ${limitMegabytes} MB while it copies a large table`,
  async () => {
    const { client, service, source, target } = stage;
    const peaks = new Map<number, number>();
    await client.start("large", offlineMigration(source, target, ["skewed"]));
    let reading = Promise.resolve();
    await client.waitFor("large", ({ properties }) => properties.currentStatus.state === "Succeeded", {
      limitSeconds: 60 + 60 * scale,
      onPoll: () => {
        reading = reading.then(() => readPeaks(peaks, service));
      },
    });
    await reading;
    const [size] = await source.query("select pg_size_pretty(pg_table_size('events')) as of_table", {
      database: "skewed",
    });
    const told = [...peaks].map(([pid, kilobytes]) => `worker ${pid} ${Math.round(kilobytes / 1024)} MB`);
    console.log(`peak memory while copying ${size?.of_table}: ${told.join(", ")}`);
    expect(peaks.size).toBeGreaterThanOrEqual(2);
    for (const kilobytes of peaks.values()) expect(kilobytes / 1024).toBeLessThan(limitMegabytes);
  },
  60_000 + 120_000 * scale,
);

/** VmHWM: the most physical memory that a process has ever had, in kB (proc(5)). */
async function readPeaks(peaks: Map<number, number>, service: Stage["service"]): Promise<void> {
  for (const pid of await service.workerPids()) {
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
    const peak = /VmHWM:\s+(\d+) kB/.exec(status)?.[1];
    if (peak !== undefined) peaks.set(pid, Number(peak));
  }
}
