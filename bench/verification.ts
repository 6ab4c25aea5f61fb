/**
 * What the proof costs: the same database migrated with verification Counts and Checksums, in wall time and in CPU seconds of both servers. Linux only.
 *
 *     npm run build && node dist/bench/verification.js [--scale N] [--runs N]
 */
import { readdir, readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { seedSkewed } from "../demo/seed/skewed.js";
import { textTable } from "../demo/text-table.js";
import { EmbeddedServer } from "../local/embedded-server.js";
import { hasEnded, MigrationClient, offlineMigration } from "../local/migration-client.js";
import { Service } from "../local/service.js";

const database = "skewed";
/** USER_HZ: what /proc counts in, on every Linux that Node runs on. */
const ticksPerSecond = 100;

interface ProcessTimes {
  readonly pid: number;
  readonly parent: number;
  /** With those of its children that have ended, in ticks. */
  readonly ticks: number;
}

/** proc(5), /proc/PID/stat: fields 4 (ppid) and 14 to 17 (utime, stime, cutime, cstime), after the name in parentheses. */
async function processTimes(pid: number): Promise<ProcessTimes | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (fields === undefined) return undefined;
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { pid, parent: Number(fields[1]), ticks };
}

/** CPU seconds of a server so far: its postmaster, what has ended below it, and what runs. */
async function cpuSeconds(server: EmbeddedServer): Promise<number> {
  const [row] = await server.query<{ pid: number }>("select pg_backend_pid() as pid");
  // The backend that told its own number has ended, or is about to: another one that lives on tells who its parent is.
  const [walwriter] = await server.query<{ pid: number }>(
    "select pid from pg_stat_activity where backend_type = 'walwriter'",
  );
  const child = await processTimes(walwriter?.pid ?? row?.pid ?? 0);
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const all = (await Promise.all(pids.map(processTimes))).flatMap((one) => one ?? []);
  const ofServer = all.filter(({ pid, parent }) => pid === child?.parent || parent === child?.parent);
  return ofServer.reduce((sum, { ticks }) => sum + ticks, 0) / ticksPerSecond;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { scale: { type: "string", default: "1" }, runs: { type: "string", default: "1" } },
  });
  const [source, target, service] = await Promise.all([
    EmbeddedServer.start({ major: 12 }),
    EmbeddedServer.start({ major: 17 }),
    Service.start(),
  ]);
  try {
    await seedSkewed(source, { scale: Number(values.scale) });
    const [size] = await source.query("select pg_database_size($1) / 1e6 as mb", { values: [database] });
    const client = new MigrationClient(service);
    const rows: string[][] = [];
    for (let run = 1; run <= Number(values.runs); run++) {
      for (const verification of ["Counts", "Checksums"]) {
        await target.query(`drop database if exists ${database}`);
        await Promise.all([source.query("checkpoint"), target.query("checkpoint")]);
        const before = [await cpuSeconds(source), await cpuSeconds(target)];
        const began = Date.now();
        const name = `${verification.toLowerCase()}-${run}`;
        await client.start(name, offlineMigration(source, target, [database], { verification }));
        const end = await client.waitFor(name, hasEnded, { limitSeconds: 3_600, everyMilliseconds: 200 });
        if (end.properties.currentStatus.state !== "Succeeded")
          throw new Error(`${end.properties.currentStatus.error}`);
        const wall = (Date.now() - began) / 1_000;
        const after = [await cpuSeconds(source), await cpuSeconds(target)];
        const cpu = [0, 1].map((side) => ((after[side] ?? 0) - (before[side] ?? 0)).toFixed(1));
        rows.push([verification, wall.toFixed(1), ...cpu]);
      }
    }
    console.log(`PostgreSQL ${source.major} to ${target.major}, ${Math.round(Number(size?.mb))} MB`);
    const numbers = ["Seconds", "Source CPU s", "Target CPU s"];
    for (const line of textTable(["Verification", ...numbers], rows, numbers)) console.log(line);
  } finally {
    await Promise.all([service.stop(), source.stop(), target.stop()]);
  }
}

await main();
process.exit();
