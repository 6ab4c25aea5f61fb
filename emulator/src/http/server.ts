import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Pool } from "../instances/pool.js";
import type { Log } from "../log.js";
import type { InvocationResponse, NamedData, TypedData } from "../worker/protocol.js";
import { MAX_BODY_BYTES, readBody } from "./body.js";
import { refusalOf } from "./caller.js";
import { type Keys, opens } from "./keys.js";
import type { RouteMatch, Router } from "./router.js";
import { toRpcRequest, writeRpcResponse } from "./typed-http.js";

/** Answers requests below its path prefix that belong to the host itself (Durable's management API). */
export type WebhookHandler = (request: WebhookRequest) => Promise<WebhookAnswer>;

export interface WebhookRequest {
  method: string;
  /** Below the prefix, without a leading slash, still percent-encoded. */
  path: string;
  url: URL;
  headers: IncomingMessage["headers"];
  body: string;
}

export interface WebhookAnswer {
  status: number;
  headers?: Record<string, string>;
  body?: unknown;
}

/** What the server serves once the app has loaded; until then it answers 503. */
export interface ServedApp {
  router: Router;
  pool: Pool;
  /** Undefined when the host does not ask for keys. */
  keys: Keys | undefined;
  durable: WebhookHandler;
  /** Extra inputs of a function beside its trigger. */
  extraInputs(functionName: string): NamedData[];
  /** Queue messages and the like that the function's response carries beside the HTTP answer. */
  writeOutputs(functionName: string, response: InvocationResponse): Promise<void>;
}

const DURABLE_PREFIX = "/runtime/webhooks/durabletask/";

/**
 * How long an idle connection is kept, milliseconds: Kestrel's KeepAliveTimeout. Clients keep theirs for less; after Node's own
 * 5 s they would meet a closed one just as they send the next request.
 */
export const IDLE_CONNECTION_MS = 130_000;

export class HttpServer {
  readonly #server: Server;
  readonly #log: Log;
  #app: ServedApp | undefined;

  constructor(log: Log) {
    this.#log = log;
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) => {
        this.#log.error("Host.Http", error instanceof Error ? (error.stack ?? error.message) : String(error));
        answer(response, { status: 500 });
      });
    });
    // An HTTP function may run as long as functionTimeout lets it.
    this.#server.requestTimeout = 0;
    this.#server.keepAliveTimeout = IDLE_CONNECTION_MS;
  }

  /**
   * @returns the port, chosen by the system when 0 was asked for
   * @throws Error with what to do when the port is taken
   */
  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (error: NodeJS.ErrnoException) => {
        reject(
          error.code === "EADDRINUSE"
            ? new Error(`Port ${port} is taken. Stop what listens there, or choose another with --port.`)
            : error,
        );
      });
      this.#server.listen(port, "127.0.0.1", resolve);
    });
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : port;
  }

  serve(app: ServedApp): void {
    this.#app = app;
  }

  /** Stops listening; requests still open get `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.#app = undefined;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeIdleConnections();
    const killer = setTimeout(() => this.#server.closeAllConnections(), graceMs);
    await closed;
    clearTimeout(killer);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const app = this.#app;
    if (app === undefined) {
      answer(response, { status: 503, body: "The host is not ready." });
      return;
    }
    const refusal = refusalOf(request.headers);
    if (refusal !== undefined) {
      answer(response, { status: 403, body: refusal });
      return;
    }
    const url = new URL(request.url ?? "/", `http://${request.headers.host ?? "127.0.0.1"}`);
    const body = await readBody(request);
    if (body === undefined) {
      answer(response, { status: 413, body: `The host takes request bodies of up to ${MAX_BODY_BYTES} bytes.` });
      return;
    }
    const key = url.searchParams.get("code") ?? headerText(request.headers["x-functions-key"]);
    const method = request.method ?? "GET";
    const { pathname } = url;
    if (pathname.toLowerCase().startsWith(DURABLE_PREFIX)) {
      if (app.keys !== undefined && !opens(app.keys, key, "durabletask")) {
        answer(response, { status: 401 });
        return;
      }
      const path = pathname.slice(DURABLE_PREFIX.length);
      answer(response, await app.durable({ method, path, url, headers: request.headers, body: body.toString("utf8") }));
      return;
    }
    if (method === "GET" && pathname.toLowerCase() === "/admin/host/status") {
      answer(response, { status: 200, body: { id: "emulator", state: "Running", processUptime: process.uptime() } });
      return;
    }
    const match = app.router.match(method, pathname);
    if (match === undefined) {
      const welcome = method === "GET" && pathname === "/";
      answer(response, welcome ? { status: 200, body: "Your Functions app is up and running." } : { status: 404 });
      return;
    }
    if (app.keys !== undefined && !opens(app.keys, key, match.route.authLevel)) {
      answer(response, { status: 401 });
      return;
    }
    await this.#invoke(app, match, request, url, body, response);
  }

  async #invoke(
    app: ServedApp,
    { route, values }: RouteMatch,
    request: IncomingMessage,
    url: URL,
    body: Buffer,
    response: ServerResponse,
  ): Promise<void> {
    const { functionName, bindingName } = route;
    const http = toRpcRequest(request, url, body, values);
    const outcome = await app.pool.invoke(
      {
        functionName,
        inputData: [{ name: bindingName, data: { http } }, ...app.extraInputs(functionName)],
        triggerMetadata: {},
      },
      "other",
    );
    switch (outcome.kind) {
      case "succeeded":
        await app.writeOutputs(functionName, outcome.response);
        writeRpcResponse(response, httpOutput(outcome.response));
        break;
      case "failed":
      case "timedOut":
        answer(response, { status: 500 });
        break;
      case "lost":
        answer(response, { status: 502, body: "The instance that ran this request ended." });
        break;
    }
  }
}

function httpOutput(response: InvocationResponse): TypedData | null {
  return response.returnValue?.http !== undefined
    ? response.returnValue
    : (response.outputData.find(({ data }) => data.http !== undefined)?.data ?? null);
}

function headerText(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/** Writes a host's own answer: text as text, anything else as JSON. */
export function answer(response: ServerResponse, { status, headers = {}, body }: WebhookAnswer): void {
  if (response.headersSent) {
    response.end();
    return;
  }
  if (body === undefined) {
    response.writeHead(status, headers).end();
  } else if (typeof body === "string") {
    response.writeHead(status, { "content-type": "text/plain; charset=utf-8", ...headers }).end(body);
  } else {
    response
      .writeHead(status, { "content-type": "application/json; charset=utf-8", ...headers })
      .end(JSON.stringify(body));
  }
}
