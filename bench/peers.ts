/**
 * Times this service against the tools that people use otherwise, on the same two servers and the same databases.
 *
 *     npm run build && node dist/bench/peers.js [--scale N] [--jobs N]
 *
 * A peer that is not installed is left out with a message. Every run starts from a target without the databases; what
 * each one has copied is compared with the source.
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import pg from "pg";
import { compareDatabases } from "../demo/compare.js";
import { count, megabytes, seconds } from "../demo/quantities.js";
import { seedMany } from "../demo/seed/many.js";
import { seedSkewed } from "../demo/seed/skewed.js";
import { textTable } from "../demo/text-table.js";
import { EmbeddedServer } from "../local/embedded-server.js";
import { hasEnded, MigrationClient, offlineMigration } from "../local/migration-client.js";
import { Service } from "../local/service.js";

const run = promisify(execFile);
const databases = ["skewed", "many"];

interface Servers {
  source: EmbeddedServer;
  target: EmbeddedServer;
  jobs: number;
}

interface Peer {
  name: string;
  /** The program whose --version tells whether it is there; none for ourselves. */
  program?: string;
  copy(servers: Servers, database: string): Promise<void>;
}

const dumpAndRestore: Peer = {
  name: "pg_dump -Fd | pg_restore",
  program: "pg_dump",
  async copy({ source, target, jobs }, database) {
    const folder = await mkdtemp(join(tmpdir(), "pgmigration-bench-"));
    try {
      const dump = join(folder, "dump");
      await run("pg_dump", ["-Fd", "-Z0", `-j${jobs}`, "-f", dump, source.connectionString(database)]);
      await createDatabase(target, database);
      await run("pg_restore", [`-j${jobs}`, "--no-owner", "-d", target.connectionString(database), dump]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

const dumpIntoPsql: Peer = {
  name: "pg_dump | psql",
  program: "psql",
  async copy({ source, target }, database) {
    await createDatabase(target, database);
    const dump = spawn("pg_dump", ["--no-owner", source.connectionString(database)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const load = spawn("psql", ["-X", "-q", "-o", "/dev/null", "-d", target.connectionString(database)], {
      stdio: ["pipe", "ignore", "ignore"],
    });
    dump.stdout.pipe(load.stdin);
    const [[dumped], [loaded]] = await Promise.all([once(dump, "exit"), once(load, "exit")]);
    if (dumped !== 0 || loaded !== 0) throw new Error(`pg_dump ended with ${dumped}, psql with ${loaded}`);
  },
};

const pgcopydb: Peer = {
  name: "pgcopydb clone",
  program: "pgcopydb",
  async copy({ source, target, jobs }, database) {
    const folder = await mkdtemp(join(tmpdir(), "pgmigration-bench-"));
    try {
      await createDatabase(target, database);
      await run("pgcopydb", [
        ...["clone", "--dir", folder, "--no-owner", "--table-jobs", String(jobs), "--index-jobs", String(jobs)],
        ...["--source", source.connectionString(database), "--target", target.connectionString(database)],
      ]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function createDatabase(server: EmbeddedServer, database: string): Promise<void> {
  await server.query(`create database ${pg.escapeIdentifier(database)} template template0`);
}

async function dropDatabases(server: EmbeddedServer): Promise<void> {
  for (const database of databases) await server.query(`drop database if exists ${pg.escapeIdentifier(database)}`);
  await server.query("checkpoint");
}

/** This service: one migration a database, as the peers do it, through its HTTP API. */
function thisService(client: MigrationClient): Peer {
  return {
    name: "this service",
    async copy({ source, target }, database) {
      const name = `bench-${database}`;
      await client.start(name, offlineMigration(source, target, [database]));
      const end = await client.waitFor(name, hasEnded, { limitSeconds: 3_600, everyMilliseconds: 200 });
      const { state, error } = end.properties.currentStatus;
      if (state !== "Succeeded") throw new Error(`the migration ended as ${state}: ${error}`);
    },
  };
}

async function isInstalled({ program }: Peer): Promise<boolean> {
  if (program === undefined) return true;
  return await run(program, ["--version"]).then(
    () => true,
    () => false,
  );
}

async function isEqual({ source, target }: Servers, database: string): Promise<boolean> {
  const [left, right] = await Promise.all([source.connect(database), target.connect(database)]);
  try {
    return (await compareDatabases(left, right)).equal;
  } finally {
    await Promise.all([left.end(), right.end()]);
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { scale: { type: "string", default: "1" }, jobs: { type: "string", default: "4" } },
  });
  const scale = Number(values.scale);
  const jobs = Number(values.jobs);
  const [source, target, service] = await Promise.all([
    EmbeddedServer.start({ major: 12 }),
    EmbeddedServer.start({ major: 17 }),
    Service.start({ settings: { MAX_PARALLEL_COPIES: String(jobs) } }),
  ]);
  try {
    await seedSkewed(source, { scale });
    await seedMany(source, { scale });
    const servers = { source, target, jobs };
    const rows: string[][] = [];
    for (const peer of [thisService(new MigrationClient(service)), dumpAndRestore, dumpIntoPsql, pgcopydb]) {
      if (!(await isInstalled(peer))) {
        console.log(`${peer.name}: left out, ${peer.program} is not installed`);
        continue;
      }
      await dropDatabases(target);
      for (const database of databases) rows.push([database, ...(await time(peer, servers, database))]);
    }
    rows.sort(([one], [other]) => databases.indexOf(one ?? "") - databases.indexOf(other ?? ""));
    console.log(`PostgreSQL ${source.major} to ${target.major}, ${count(jobs)} jobs`);
    const header = ["Database", "Tool", "MB", "Seconds", "MB/s", "Equal"];
    for (const line of textTable(header, rows, ["MB", "Seconds", "MB/s"])) console.log(line);
  } finally {
    await Promise.all([service.stop(), source.stop(), target.stop()]);
  }
}

async function time(peer: Peer, servers: Servers, database: string): Promise<string[]> {
  const [size] = await servers.source.query("select pg_database_size($1) as bytes", { values: [database] });
  const bytes = Number(size?.bytes);
  const began = Date.now();
  try {
    await peer.copy(servers, database);
  } catch (error) {
    const why = error instanceof Error ? error.message.split("\n")[0] : String(error);
    return [peer.name, megabytes(bytes), "failed", "", why ?? ""];
  }
  const took = Date.now() - began;
  const equal = await isEqual(servers, database);
  return [peer.name, megabytes(bytes), seconds(took), megabytes((bytes * 1_000) / took), equal ? "yes" : "NO"];
}

await main();
process.exit();
