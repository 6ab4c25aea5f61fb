import { type ChildProcess, fork } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { connect, createServer } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { z } from "zod";

const DEVELOPMENT_ACCOUNT = "devstoreaccount1";
/** Azurite's public well-known key (docs, "Use the Azurite emulator"): it protects nothing. */
const DEVELOPMENT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

const START_LIMIT_MS = 60_000;
/** How long Azurite may take to write its data. */
const STOP_LIMIT_MS = 60_000;
/** How long the port of an Azurite that has lost its host can still answer. */
const ORPHAN_LIMIT_MS = 5_000;

export interface Azurite {
  connectionString: string;
  /** Ends Azurite so that it persists everything; resolves when its process is gone. */
  stop(): Promise<void>;
}

/**
 * Starts Azurite on free loopback ports with its data in `directory`.
 * @throws Error when another Azurite uses the directory, or when it does not answer within a minute.
 */
export async function startAzurite(directory: string): Promise<Azurite> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const lock = path.join(directory, "azurite.lock");
  await waitForPreviousOwner(lock, directory);
  const [blobPort, queuePort, tablePort] = await freePorts(3);
  const guard = pathToFileURL(path.join(import.meta.dirname, "exit-with-parent.js")).href;
  const child = fork(
    createRequire(import.meta.url).resolve("azurite/dist/src/azurite.js"),
    [
      ...["--location", directory, "--silent", "--skipApiVersionCheck", "--disableTelemetry"],
      ...["--blobPort", String(blobPort), "--queuePort", String(queuePort), "--tablePort", String(tablePort)],
    ],
    // Its own process group: a terminal's Ctrl-C must not end storage before the host has written its last state.
    { detached: true, stdio: ["ignore", "pipe", "pipe", "ipc"], execArgv: ["--import", guard] },
  );
  let output = "";
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-4_000);
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  writeFileSync(lock, JSON.stringify({ pid: child.pid, port: tablePort }));
  try {
    await Promise.all([blobPort, queuePort, tablePort].map((port) => answers(port, child)));
  } catch (error) {
    child.kill("SIGKILL");
    throw new Error(`Azurite did not start: ${error instanceof Error ? error.message : error}\n${output}`);
  }
  return {
    connectionString: developmentConnectionString(blobPort, queuePort, tablePort),
    stop: () => stop(child, lock),
  };
}

export function developmentConnectionString(blobPort = 10_000, queuePort = 10_001, tablePort = 10_002): string {
  const endpoint = (port: number) => `http://127.0.0.1:${port}/${DEVELOPMENT_ACCOUNT}`;
  return [
    "DefaultEndpointsProtocol=http",
    `AccountName=${DEVELOPMENT_ACCOUNT}`,
    `AccountKey=${DEVELOPMENT_KEY}`,
    `BlobEndpoint=${endpoint(blobPort)}`,
    `QueueEndpoint=${endpoint(queuePort)}`,
    `TableEndpoint=${endpoint(tablePort)}`,
  ].join(";");
}

async function stop(child: ChildProcess, lock: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    const killer = setTimeout(() => child.kill("SIGKILL"), STOP_LIMIT_MS);
    await gone;
    clearTimeout(killer);
  }
  rmSync(lock, { force: true });
}

const lockFile = z.object({ pid: z.number().int(), port: z.number().int() });

/** A host that was killed leaves an Azurite that is still writing its data: two on one directory would destroy it. */
async function waitForPreviousOwner(lock: string, directory: string): Promise<void> {
  if (!existsSync(lock)) {
    return;
  }
  const parsed = lockFile.safeParse(readJson(lock));
  const { pid, port } = parsed.success ? parsed.data : { pid: 0, port: 0 };
  const began = Date.now();
  while (pid > 0 && isAlive(pid) && Date.now() - began < STOP_LIMIT_MS) {
    if (Date.now() - began > ORPHAN_LIMIT_MS && (await accepts(port))) {
      throw new Error(`${directory} is in use by process ${pid}: stop it, or choose another --storage.`);
    }
    await sleep(50);
  }
  // Still alive, but not serving: another program got the process id.
  rmSync(lock, { force: true });
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // In a container whose first process reaps nothing, the dead stay as zombies.
  const stat = `/proc/${pid}/stat`;
  return !(existsSync(stat) && /\) Z /.test(readFileSync(stat, "utf8")));
}

async function answers(port: number, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + START_LIMIT_MS;
  while (!(await accepts(port))) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error("its process ended.");
    }
    if (Date.now() > deadline) {
      throw new Error(`port ${port} does not answer.`);
    }
    await sleep(25);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** Free loopback ports, all different: the listeners are held open until every port is known. */
async function freePorts(count: 3): Promise<[number, number, number]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  const [first = 0, second = 0, third = 0] = ports;
  return [first, second, third];
}
