import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import path from "node:path";
import { createInterface } from "node:readline";
import type { Log } from "../log.js";
import type {
  FunctionMetadata,
  HostMessage,
  InvocationError,
  InvocationRequest,
  InvocationResponse,
  WorkerMessage,
} from "../worker/protocol.js";

/** How an invocation ended. Lost: its worker died under it, so nobody knows how far it came. */
export type Outcome =
  | { kind: "succeeded"; response: InvocationResponse; instance: string }
  | { kind: "failed"; error: InvocationError; instance: string }
  | { kind: "timedOut"; instance: string; limitMs: number }
  | { kind: "lost"; instance: string };

/** What of the work is limited per instance (host.json, extensions.durableTask). */
export type Kind = "activity" | "orchestrator" | "other";

interface Running {
  kind: Kind;
  settle: (outcome: Outcome) => void;
  timer: NodeJS.Timeout | undefined;
}

export interface InstanceOptions {
  number: number;
  appDirectory: string;
  environment: NodeJS.ProcessEnv;
  functionTimeoutMs: number;
  log: Log;
}

const WORKER = path.join(import.meta.dirname, "..", "worker", "worker.js");

/** One function-app instance: a worker process and the invocations that run in it. */
export class Instance {
  readonly id: string;
  readonly functions: Promise<FunctionMetadata[]>;
  /** Resolves when the process is gone. */
  readonly exited: Promise<void>;
  readonly #child: ChildProcess;
  readonly #running = new Map<string, Running>();
  readonly #log: Log;
  readonly #timeoutMs: number;
  #state: "loading" | "ready" | "gone" = "loading";

  constructor(options: InstanceOptions) {
    this.id = `instance-${options.number}-${randomBytes(2).toString("hex")}`;
    this.#log = options.log;
    this.#timeoutMs = options.functionTimeoutMs;
    this.#child = fork(WORKER, [options.appDirectory], {
      cwd: options.appDirectory,
      env: { ...options.environment, WEBSITE_INSTANCE_ID: this.id },
      serialization: "advanced",
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      execArgv: ["--enable-source-maps"],
    });
    this.#pipe(this.#child.stdout, "information");
    this.#pipe(this.#child.stderr, "warning");
    this.functions = new Promise((resolve, reject) => {
      this.#child.on("message", (message: WorkerMessage) => this.#receive(message, resolve, reject));
      this.#child.once("exit", (code, signal) => {
        this.#gone(code, signal);
        reject(new Error(`the worker ended while loading the app (${signal ?? `exit code ${code}`}).`));
      });
    });
    this.functions.catch(() => {});
    this.exited = new Promise((resolve) => this.#child.once("exit", () => resolve()));
    this.#child.on("error", (error) => this.#log.write("error", "Worker", error.message, this.id));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get ready(): boolean {
    return this.#state === "ready";
  }

  get load(): number {
    return this.#running.size;
  }

  running(kind: Kind): number {
    let count = 0;
    for (const running of this.#running.values()) {
      count += running.kind === kind ? 1 : 0;
    }
    return count;
  }

  invoke(request: InvocationRequest, kind: Kind): Promise<Outcome> {
    return new Promise((settle) => {
      const timer = Number.isFinite(this.#timeoutMs)
        ? setTimeout(() => this.#overrun(request), Math.min(this.#timeoutMs, 2 ** 31 - 1))
        : undefined;
      this.#running.set(request.invocationId, { kind, settle, timer });
      this.#send({ kind: "invoke", request });
    });
  }

  /** Asks the app to end (appTerminate hooks) and kills it after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    if (this.#state === "gone") {
      return;
    }
    this.#send({ kind: "stop" });
    const killer = setTimeout(() => this.kill(), graceMs);
    await this.exited;
    clearTimeout(killer);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #receive(
    message: WorkerMessage,
    resolve: (functions: FunctionMetadata[]) => void,
    reject: (error: Error) => void,
  ): void {
    switch (message.kind) {
      case "ready":
        this.#state = "ready";
        resolve(message.functions);
        break;
      case "unloadable":
        reject(new Error(`the app does not load: ${message.error.stack}`));
        this.kill();
        break;
      case "log":
        this.#log.write(
          message.level,
          message.functionName === undefined ? "Worker" : `Function.${message.functionName}.User`,
          message.message,
          this.id,
        );
        break;
      case "succeeded":
        this.#settle(message.invocationId, { kind: "succeeded", response: message.response, instance: this.id });
        break;
      case "failed":
        this.#settle(message.invocationId, { kind: "failed", error: message.error, instance: this.id });
        break;
    }
  }

  #settle(invocationId: string, outcome: Outcome): void {
    const running = this.#running.get(invocationId);
    if (running !== undefined) {
      this.#running.delete(invocationId);
      clearTimeout(running.timer);
      running.settle(outcome);
    }
  }

  /** A function that runs longer than functionTimeout takes its process with it, as on the Functions host. */
  #overrun(request: InvocationRequest): void {
    const limit = `${this.#timeoutMs / 1000} s`;
    this.#log.write(
      "error",
      `Function.${request.functionName}`,
      `Timeout value of ${limit} exceeded (Id=${request.invocationId}); the worker is killed and replaced.`,
      this.id,
    );
    this.#settle(request.invocationId, { kind: "timedOut", instance: this.id, limitMs: this.#timeoutMs });
    this.kill();
  }

  #gone(code: number | null, signal: NodeJS.Signals | null): void {
    const wasReady = this.#state === "ready";
    this.#state = "gone";
    if (wasReady && (signal !== null || code !== 0)) {
      this.#log.write("warning", "Host", `Worker ${this.pid} died (${signal ?? `exit code ${code}`}).`, this.id);
    }
    for (const invocationId of [...this.#running.keys()]) {
      this.#settle(invocationId, { kind: "lost", instance: this.id });
    }
  }

  #send(message: HostMessage): void {
    if (this.#child.connected) {
      // A send that fails means that the process is going; its exit settles what was sent.
      this.#child.send(message, () => {});
    }
  }

  #pipe(stream: NodeJS.ReadableStream | null, level: "information" | "warning"): void {
    if (stream !== null) {
      createInterface({ input: stream }).on("line", (line) => this.#log.write(level, "Worker", line, this.id));
    }
  }
}
