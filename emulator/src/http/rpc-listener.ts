import { createServer } from "node:http";
import { readBody } from "./body.js";
import { answer, IDLE_CONNECTION_MS, type WebhookHandler } from "./server.js";

/** Where durable-functions' client in the workers reaches the host: loopback only, no key, apart from the app's own routes. */
export interface RpcListener {
  /** Ends with a slash. */
  baseUrl: string;
  serve(handler: WebhookHandler): void;
  close(): void;
}

const PREFIX = "/durabletask/";

export async function startRpcListener(): Promise<RpcListener> {
  let handler: WebhookHandler | undefined;
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    void (async () => {
      const body = await readBody(request);
      if (handler === undefined || body === undefined || !url.pathname.startsWith(PREFIX)) {
        answer(response, { status: handler === undefined ? 503 : 404 });
        return;
      }
      const { method = "GET", headers } = request;
      const path = url.pathname.slice(PREFIX.length);
      answer(response, await handler({ method, path, url, headers, body: body.toString("utf8") }));
    })().catch(() => answer(response, { status: 500 }));
  });
  server.keepAliveTimeout = IDLE_CONNECTION_MS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    baseUrl: `http://127.0.0.1:${port}${PREFIX}`,
    serve(webhook) {
      handler = webhook;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
