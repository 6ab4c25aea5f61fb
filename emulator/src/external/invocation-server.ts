import { createServer, type Server } from "node:http";
import { z } from "zod";
import { readBody } from "../http/body.js";
import { answer, IDLE_CONNECTION_MS } from "../http/server.js";
import type { Kind, Outcome } from "../instances/instance.js";
import type { Pool } from "../instances/pool.js";
import type { InvocationResponse, NamedData, TypedData } from "../worker/protocol.js";

/** What an external engine asks to have run. */
const invocation = z.object({
  name: z.string(),
  input: z.string().nullable(),
  /** The orchestration that an activity belongs to. */
  instanceId: z.string().nullable(),
  messageId: z.string().nullable(),
  dequeueCount: z.number().int(),
});

/** How it ended, in the engine's words. */
interface Answer {
  kind: "succeeded" | "failed" | "lost";
  json?: string;
  text?: string;
  message?: string;
  stack?: string;
}

export interface InvokableFunction {
  kind: Kind;
  bindingName: string;
  extraInputs: NamedData[];
}

export interface InvocationServerOptions {
  pool: Pool;
  find(name: string): InvokableFunction | undefined;
  writeOutputs(functionName: string, response: InvocationResponse): Promise<void>;
}

/** Loopback HTTP: runs functions in the worker processes for an external engine. */
export class InvocationServer {
  readonly #server: Server;
  readonly url: string;

  private constructor(server: Server, url: string) {
    this.#server = server;
    this.url = url;
  }

  static async start({ pool, find, writeOutputs }: InvocationServerOptions): Promise<InvocationServer> {
    const run = async (text: string): Promise<Answer> => {
      const { name, input, instanceId, messageId, dequeueCount } = invocation.parse(JSON.parse(text));
      const found = find(name);
      if (found === undefined) {
        return { kind: "failed", message: `The app has no function "${name}".`, stack: "" };
      }
      const outcome = await pool.invoke(
        {
          functionName: name,
          inputData: [{ name: found.bindingName, data: { string: input ?? "null" } }, ...found.extraInputs],
          triggerMetadata: {
            ...(instanceId === null ? {} : { instanceId: { string: instanceId } }),
            ...(messageId === null ? {} : { Id: { string: messageId }, DequeueCount: { json: String(dequeueCount) } }),
          },
        },
        found.kind,
      );
      if (outcome.kind === "succeeded") {
        await writeOutputs(name, outcome.response);
      }
      return toAnswer(name, outcome);
    };
    const server = createServer((request, response) => {
      void readBody(request)
        .then(async (body) => answer(response, { status: 200, body: await run(body?.toString("utf8") ?? "") }))
        .catch((error: unknown) => answer(response, { status: 500, body: String(error) }));
    });
    server.requestTimeout = 0;
    server.keepAliveTimeout = IDLE_CONNECTION_MS;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", resolve);
    });
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    return new InvocationServer(server, `http://127.0.0.1:${port}/`);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

function toAnswer(name: string, outcome: Outcome): Answer {
  switch (outcome.kind) {
    case "succeeded":
      return { kind: "succeeded", ...returned(outcome.response.returnValue) };
    case "failed":
      return { kind: "failed", message: outcome.error.message, stack: outcome.error.stack };
    case "timedOut": {
      const limit = new Date(outcome.limitMs).toISOString().slice(11, 19);
      return {
        kind: "failed",
        message: `Timeout value of ${limit} was exceeded by function: Functions.${name}`,
        stack: "",
      };
    }
    case "lost":
      return { kind: "lost", message: `The worker process of ${outcome.instance} ended while the function ran.` };
  }
}

function returned(value: TypedData | null): Pick<Answer, "json" | "text"> {
  if (value?.string !== undefined) {
    return { text: value.string };
  }
  const json = value?.json ?? JSON.stringify(value?.int ?? value?.double ?? base64(value?.bytes));
  return { json };
}

/** The Functions host hands bytes on as base64 text. */
function base64(bytes: Uint8Array | undefined): string | null {
  return bytes === undefined ? null : Buffer.from(bytes).toString("base64");
}
