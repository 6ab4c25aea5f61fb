import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { app, output } from "@azure/functions";
import * as df from "durable-functions";

app.http("mirror", {
  methods: ["GET", "POST", "PUT", "HEAD", "OPTIONS"],
  authLevel: "function",
  route: "mirror/{id:int}/{rest?}",
  handler: async (request, context) => {
    context.log(`mirror ${request.params.id}`);
    const body = Buffer.from(await request.arrayBuffer());
    return {
      status: 201,
      headers: {
        "x-body-length": String(body.length),
        "content-type": request.headers.get("content-type") ?? "text/x-none",
      },
      cookies: [
        { name: "a", value: "1", httpOnly: true },
        { name: "b", value: "2 3", sameSite: "Strict", maxAge: 60 },
      ],
      body:
        request.query.get("as") === "bytes"
          ? body
          : JSON.stringify({
              method: request.method,
              url: request.url,
              params: request.params,
              query: Object.fromEntries(request.query),
              header: request.headers.get("x-test"),
              text: body.toString(),
            }),
    };
  },
});

app.http("public", { authLevel: "anonymous", route: "public", handler: () => ({ jsonBody: { open: true } }) });
app.http("admin", { authLevel: "admin", route: "secret", handler: () => ({ body: "secret" }) });
app.http("nothing", { route: "nothing", handler: () => undefined });
app.http("throws", {
  route: "throws",
  handler: () => {
    throw new Error("thrown on purpose");
  },
});

app.http("whereHttp", {
  route: "where",
  handler: () => ({ jsonBody: { instance: process.env.WEBSITE_INSTANCE_ID, pid: process.pid } }),
});

app.http("sleepy", {
  route: "sleepy/{ms:int}",
  handler: async (request) => {
    await sleep(Number(request.params.ms));
    return { body: "awake" };
  },
});

app.http("memory", {
  route: "settings/{name}",
  handler: (request) => ({ jsonBody: { value: process.env[request.params.name] ?? null } }),
});

/** Starts and steers orchestrations through durable-functions' client, as an app does. */
app.http("start", {
  methods: ["POST"],
  route: "start/{name}/{instanceId?}",
  extraInputs: [df.input.durableClient()],
  handler: async (request, context) => {
    const client = df.getClient(context);
    const text = await request.text();
    const { name, instanceId } = request.params;
    try {
      const id = await client.startNew(name, { instanceId, input: text === "" ? undefined : JSON.parse(text) });
      return client.createCheckStatusResponse(request, id);
    } catch (error) {
      return { status: 409, jsonBody: { message: error.message } };
    }
  },
});

app.http("client", {
  methods: ["POST"],
  route: "client/{operation}/{instanceId}",
  extraInputs: [df.input.durableClient()],
  handler: async (request, context) => {
    const client = df.getClient(context);
    const { operation, instanceId } = request.params;
    const argument = request.query.get("argument") ?? undefined;
    try {
      switch (operation) {
        case "raise":
          await client.raiseEvent(instanceId, argument, await request.json());
          return { jsonBody: "raised" };
        case "status":
          return {
            jsonBody: await client.getStatus(instanceId, {
              showHistory: true,
              showHistoryOutput: true,
              showInput: true,
            }),
          };
        case "purge":
          return { jsonBody: await client.purgeInstanceHistory(instanceId) };
        default:
          await client[operation](instanceId, argument ?? "no reason");
          return { jsonBody: operation };
      }
    } catch (error) {
      return { status: 400, jsonBody: { message: error.message } };
    }
  },
});

const results = output.storageQueue({ queueName: "results", connection: "AzureWebJobsStorage" });

app.storageQueue("fromQueue", {
  queueName: "%QUEUE_NAME%",
  connection: "AzureWebJobsStorage",
  return: results,
  handler: (message, context) => {
    if (message === "poison" || message?.poison) {
      throw new Error("poisoned");
    }
    return { received: message, dequeueCount: context.triggerMetadata.dequeueCount };
  },
});

app.http("enqueue", {
  methods: ["POST"],
  route: "enqueue",
  extraOutputs: [results],
  handler: async (request, context) => {
    context.extraOutputs.set(results, await request.json());
    return { status: 202 };
  },
});

app.timer("everySecond", {
  schedule: "* * * * * *",
  handler: (timer) => {
    if (process.env.TIMER_LOG) {
      appendFileSync(process.env.TIMER_LOG, `${JSON.stringify(timer)}\n`);
    }
  },
});

app.hook.preInvocation((context) => {
  if (context.invocationContext.functionName === "public") {
    const handler = context.functionHandler;
    context.functionHandler = async (...args) => ({ ...(await handler(...args)), headers: { "x-hook": "seen" } });
  }
});

const clientBinding = df.input.durableClient();

app.http("clientBinding", {
  route: "client-binding",
  methods: ["GET"],
  extraInputs: [clientBinding],
  handler: (_request, context) => ({ jsonBody: context.extraInputs.get(clientBinding) }),
});
