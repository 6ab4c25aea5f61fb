import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { WebhookAnswer, WebhookHandler, WebhookRequest } from "../http/server.js";
import type { Log } from "../log.js";
import { InvocationServer, type InvocationServerOptions } from "./invocation-server.js";

/**
 * A Durable engine that is another program (`--engine`): Microsoft's own, in the conformance tests. It keeps histories, timers and
 * queues, triggers included, and hands every function back to this host's worker processes.
 */

const START_LIMIT_MS = 60_000;
const LOG_CATEGORY = "Engine";

export interface EngineFunction {
  name: string;
  kind: "orchestrator" | "activity" | "queue";
  /** The queue that triggers it; null for the other kinds. */
  queue: string | null;
}

export interface ExternalEngineOptions extends InvocationServerOptions {
  /** A program, or a .NET assembly (`.dll`). */
  program: string;
  /** Connection string. */
  storage: string;
  /** What the links that the engine hands out begin with. */
  webhookUrl: string;
  /** host.json's `extensions`, overrides included. */
  extensions: unknown;
  functions: EngineFunction[];
  log: Log;
}

const readyLine = z.object({ ready: z.literal(true), managementUrl: z.url(), rpcBaseUrl: z.url() });

export class ExternalEngine {
  readonly #child: ChildProcess;
  readonly #invocations: InvocationServer;
  readonly #managementUrl: string;
  /** Where durable-functions' client in the workers reaches the engine. */
  readonly rpcBaseUrl: string;

  private constructor(child: ChildProcess, invocations: InvocationServer, ready: z.infer<typeof readyLine>) {
    this.#child = child;
    this.#invocations = invocations;
    this.#managementUrl = ready.managementUrl;
    this.rpcBaseUrl = ready.rpcBaseUrl;
  }

  /** @throws Error with what the program said when it does not become ready within a minute. */
  static async start(options: ExternalEngineOptions): Promise<ExternalEngine> {
    const { program, storage, webhookUrl, extensions, functions, log } = options;
    const invocations = await InvocationServer.start(options);
    const [command, args] = program.endsWith(".dll") ? ["dotnet", [program]] : [program, []];
    // Its own process group: a terminal's Ctrl-C is for this host alone, which tells the engine to stop.
    const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"], detached: true });
    let errors = "";
    createInterface({ input: child.stderr }).on("line", (line) => {
      errors = `${errors}${line}\n`.slice(-4_000);
      log.write("warning", LOG_CATEGORY, line);
    });
    // A program that has ended cannot be told anything; its end is reported below.
    child.stdin.on("error", () => {});
    child.stdin.write(
      `${JSON.stringify({ storage, invokeUrl: invocations.url, webhookUrl, extensions, functions })}\n`,
    );
    try {
      const ready = await Promise.race([
        firstReadyLine(child),
        sleep(START_LIMIT_MS, undefined, { ref: false }).then(() => {
          throw new Error(`it was not ready within ${START_LIMIT_MS / 1000} s.`);
        }),
      ]);
      return new ExternalEngine(child, invocations, ready);
    } catch (error) {
      child.kill("SIGKILL");
      invocations.close();
      throw new Error(
        `The engine ${program} did not start: ${error instanceof Error ? error.message : error}\n${errors}`,
      );
    }
  }

  /** Forwards a request below Durable's webhook path. */
  readonly handle: WebhookHandler = async (request: WebhookRequest): Promise<WebhookAnswer> => {
    const url = new URL(`${this.#managementUrl}/runtime/webhooks/durabletask/${request.path}${request.url.search}`);
    const headers = new Headers();
    for (const name of ["content-type", "x-ms-continuation-token"]) {
      const value = request.headers[name];
      if (typeof value === "string") {
        headers.set(name, value);
      }
    }
    const hasBody = request.method !== "GET" && request.body !== "";
    const response = await fetch(url, { method: request.method, headers, ...(hasBody ? { body: request.body } : {}) });
    const text = await response.text();
    const passed = ["content-type", "location", "retry-after", "x-ms-continuation-token"];
    return {
      status: response.status,
      headers: Object.fromEntries(
        passed.flatMap((name) => {
          const value = response.headers.get(name);
          return value === null ? [] : [[name, value]];
        }),
      ),
      ...(text === "" ? {} : { body: text }),
    };
  };

  /** Ends the program in good order; kills it after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const gone = new Promise((resolve) => this.#child.once("exit", resolve));
      this.#child.stdin?.write("stop\n");
      const killer = setTimeout(() => this.#child.kill("SIGKILL"), graceMs);
      await gone;
      clearTimeout(killer);
    }
    this.#invocations.close();
  }
}

function firstReadyLine(child: ChildProcess): Promise<z.infer<typeof readyLine>> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => reject(new Error(`it ended (${signal ?? `exit code ${code}`}).`)));
    if (child.stdout !== null) {
      createInterface({ input: child.stdout }).on("line", (line) => {
        const parsed = readyLine.safeParse(jsonOf(line));
        if (parsed.success) {
          resolve(parsed.data);
        }
      });
    }
  });
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
