import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll } from "vitest";

/** The built emulator as a process of its own, with the test app, in a temporary directory. */

const PACKAGE = path.join(import.meta.dirname, "..");
const START = path.join(PACKAGE, "dist", "start.js");
/** The suites that say how Durable behaves can be run on another engine: `npm run test:engine`. */
export const ENGINE = process.env.DURABLE_ENGINE;
const APP = path.join(import.meta.dirname, "app");

export interface Status {
  runtimeStatus: string;
  output: unknown;
  input: unknown;
  customStatus: unknown;
  name: string;
  historyEvents?: Record<string, unknown>[];
}

export interface HostOptions {
  args?: string[];
  environment?: Record<string, string>;
  /** A directory of an earlier host to go on in; a new one otherwise. */
  directory?: string;
  app?: string;
}

const directories: string[] = [];
const processes: ChildProcess[] = [];

// A test that fails half-way leaves nothing behind either.
afterAll(async () => {
  // Hosts before the storage that they use.
  for (const child of processes.reverse()) {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await exited;
    }
  }
  for (const directory of directories) {
    rmSync(directory, { recursive: true, force: true });
  }
});

/** A directory that is removed when the test file has ended. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(path.join(tmpdir(), "emulator-test-"));
  directories.push(directory);
  return directory;
}

export class HostProcess {
  readonly directory: string;
  readonly #child: ChildProcess;
  #output = "";
  origin = "";

  private constructor(child: ChildProcess, directory: string) {
    this.#child = child;
    this.directory = directory;
    child.stdout?.on("data", (chunk: Buffer) => this.#keep(chunk));
    child.stderr?.on("data", (chunk: Buffer) => this.#keep(chunk));
  }

  /** Starts a host and waits until it serves. */
  static async start(options: HostOptions = {}): Promise<HostProcess> {
    const host = HostProcess.launch(options);
    await host.waitForLog(/^Serving /m);
    host.origin = /^Serving (\S+)$/m.exec(host.log)?.[1] ?? "";
    return host;
  }

  static launch({
    args = [],
    environment = {},
    directory = temporaryDirectory(),
    app = APP,
  }: HostOptions): HostProcess {
    const child = spawn(
      process.execPath,
      [
        START,
        ...["--app", app, "--port", "0", "--storage", path.join(directory, "storage")],
        ...["--settings", path.join(directory, "settings.json"), ...args],
        ...(ENGINE === undefined ? [] : ["--engine", ENGINE]),
      ],
      { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...environment } },
    );
    processes.push(child);
    return new HostProcess(child, directory);
  }

  get log(): string {
    return this.#output;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  async waitForLog(pattern: RegExp, limitMs = 60_000): Promise<void> {
    await until(
      () => pattern.test(this.#output) || this.#child.exitCode !== null,
      limitMs,
      () => this.#output,
    );
    if (!pattern.test(this.#output)) {
      throw new Error(`The host ended before its log had ${pattern}:\n${this.#output}`);
    }
  }

  async signal(signal: NodeJS.Signals): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = new Promise((resolve) => this.#child.once("exit", resolve));
      this.#child.kill(signal);
      // One that hears nothing any more must not outlive its test.
      const patience = setTimeout(() => this.#child.kill("SIGKILL"), 30_000);
      await exited;
      clearTimeout(patience);
    }
    return this.#child.exitCode;
  }

  /** Ends the host as Ctrl-C does. */
  async stop(): Promise<void> {
    await this.signal("SIGINT");
  }

  fetch(route: string, init?: RequestInit): Promise<Response> {
    return fetch(`${this.origin}/${route}`, init);
  }

  durable(route: string, init?: RequestInit): Promise<Response> {
    return this.fetch(`runtime/webhooks/durabletask/${route}`, init);
  }

  post(route: string, body?: unknown): Promise<Response> {
    return this.durable(route, {
      method: "POST",
      headers: { "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  /** Starts an orchestration and gives its instance ID. */
  async startNew(name: string, input?: unknown, instanceId?: string): Promise<string> {
    const response = await this.post(`orchestrators/${name}${instanceId === undefined ? "" : `/${instanceId}`}`, input);
    const body = (await response.json()) as { id: string };
    if (response.status !== 202) {
      throw new Error(`${response.status}: ${JSON.stringify(body)}`);
    }
    return body.id;
  }

  async status(instanceId: string, query = ""): Promise<Status> {
    const response = await this.durable(`instances/${instanceId}?${query}`);
    if (!response.ok) {
      throw new Error(`${instanceId}: ${response.status}`);
    }
    return (await response.json()) as Status;
  }

  /** Waits until the orchestration has ended. */
  async ended(instanceId: string, limitMs = 60_000): Promise<Status> {
    let status = await this.status(instanceId);
    await until(
      async () => {
        status = await this.status(instanceId);
        return !["Pending", "Running", "Suspended"].includes(status.runtimeStatus);
      },
      limitMs,
      () => `${instanceId}: ${JSON.stringify(status)}\n${this.#output.slice(-4_000)}`,
    );
    return status;
  }

  /** Runs an orchestration to its end. */
  async run(name: string, input?: unknown, limitMs?: number): Promise<Status> {
    return await this.ended(await this.startNew(name, input), limitMs);
  }

  #keep(chunk: Buffer): void {
    this.#output += chunk.toString();
  }
}

/** Polls until the condition holds. @throws Error with the explanation when it does not in time. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  limitMs: number,
  explain: () => string = () => "",
): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > deadline) {
      throw new Error(`Not within ${limitMs} ms. ${explain()}`);
    }
    await sleep(20);
  }
}

/** Storage that outlives hosts: an Azurite of its own. */
export async function startStorage(): Promise<{ connectionString: string; stop(): Promise<void> }> {
  const directory = temporaryDirectory();
  const azurite = path.join(PACKAGE, "dist", "storage", "azurite.js");
  const script = `
    const { startAzurite } = await import(${JSON.stringify(azurite)});
    const azurite = await startAzurite(${JSON.stringify(directory)});
    console.log("connection " + azurite.connectionString);
    const stop = () => azurite.stop().then(() => process.exit(0));
    process.on("SIGTERM", stop);
    process.stdin.resume().on("end", stop);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  await until(
    () => output.includes("\n"),
    20_000,
    () => output,
  );
  return {
    connectionString: output.trim().replace("connection ", ""),
    async stop() {
      const exited = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await exited;
    },
  };
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** The processes whose parent is `pid`, and theirs. */
export function descendants(pid: number): number[] {
  const children = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => {
      try {
        const stat = readFileSync(`/proc/${candidate}/stat`, "utf8");
        return Number(stat.slice(stat.lastIndexOf(")") + 4).split(" ")[0]) === pid;
      } catch {
        return false;
      }
    });
  return children.flatMap((child) => [child, ...descendants(child)]);
}
