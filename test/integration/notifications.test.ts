/** Webhooks: what a receiver gets, that it is signed, sent again until it is taken, and that no secret of it is told. */
import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seedMany } from "../../demo/seed/many.js";
import { offlineMigration } from "../../local/migration-client.js";
import { Stage } from "../fixtures/stage.js";

interface Received {
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  readonly path: string;
}

let stage: Stage;
let server: Server;
let origin: string;
const received: Received[] = [];
/** What the receiver answers next; 204 when there is nothing here. */
const answers: { status: number; headers?: Record<string, string> }[] = [];

const secret = "a-secret-of-both-sides";
const pathKey = "T0000-B0000-very-secret";

beforeAll(async () => {
  stage = await Stage.open();
  await seedMany(stage.source, { database: "small", tables: 2 });
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString("utf8");
      received.push({ headers: request.headers, body, path: request.url ?? "" });
      const { status, headers = {} } = answers.shift() ?? { status: 204 };
      response.writeHead(status, headers).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the receiver has no port");
  origin = `http://127.0.0.1:${address.port}`;
}, 120_000);

afterAll(async () => {
  await stage?.close();
  await new Promise((resolve) => server?.close(resolve));
});

async function begin(name: string, notifications: Record<string, unknown>): Promise<void> {
  await stage.client.start(name, offlineMigration(stage.source, stage.target, ["small"], { notifications }));
}

/** Waits until so many different events of the migration have come with a status that the receiver meant. */
async function eventsOf(name: string, state: string): Promise<{ id: string; data: Record<string, unknown> }[]> {
  for (const limit = Date.now() + 90_000; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
    const events = received
      .map(({ body }) => JSON.parse(body) as { id: string; data: Record<string, unknown> })
      .filter(({ data }) => data.migration === name);
    if (events.some(({ data }) => data.state === state)) return events;
    if (Date.now() > limit) throw new Error(`no event says ${state}: ${JSON.stringify(events)}`);
  }
}

test("every change of state is sent as a signed CloudEvent, the same that the queue gets; what is refused is sent again", async () => {
  answers.push({ status: 503 }, { status: 302, headers: { location: `${origin}/elsewhere` } });
  await begin("told", { url: `${origin}/hook/${pathKey}?code=${pathKey}`, secret });
  const end = await stage.client.waitForState("told", "Succeeded");
  await eventsOf("told", "Succeeded");
  // Two were refused at first: their ids come twice.
  const expected = (await stage.takeEvents()).filter(({ subject }) => subject === "told").map(({ id }) => id);
  for (const limit = Date.now() + 90_000; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
    const ids = received.map(({ body }) => (JSON.parse(body) as { id: string }).id);
    if (ids.length === expected.length + 2 && expected.every((id) => ids.includes(id))) break;
    if (Date.now() > limit) throw new Error(`expected ${expected.join()}, and two of them twice; got ${ids.join()}`);
  }
  for (const { headers, body, path } of received) {
    expect(headers["content-type"]).toBe("application/cloudevents+json; charset=utf-8");
    expect(headers["x-migration-signature"]).toBe(`sha256=${createHmac("sha256", secret).update(body).digest("hex")}`);
    expect(path).toBe(`/hook/${pathKey}?code=${pathKey}`);
    expect(JSON.parse(body)).toMatchObject({ specversion: "1.0", type: "com.postgres-migration.migration.state" });
  }
  expect(end.properties.notifications).toMatchObject({ origin });
  // Got through at last: nothing is in the way any more.
  const settled = await stage.client.waitFor("told", ({ properties }) => {
    return (properties.notifications as { problem?: string }).problem === undefined;
  });
  expect(settled.properties.notifications).toEqual({ origin });
  expect(await stage.secretsFound([secret, pathKey])).toEqual([]);
});

test("a receiver that does not answer holds nothing up, and the migration says what is in the way", async () => {
  await begin("deaf", { url: "http://127.0.0.1:9/hook" });
  await stage.client.waitForState("deaf", "Succeeded");
  const told = await stage.client.waitFor("deaf", ({ properties }) => {
    return (properties.notifications as { problem?: string }).problem !== undefined;
  });
  expect(told.properties.notifications).toMatchObject({
    problem: expect.stringMatching(/was not delivered \(attempt \d\): .*ECONNREFUSED.* It is sent again in \d+ s\./),
  });
});

test.each([
  ["an address that is none", { url: "hooks" }, /is no address/],
  ["another protocol", { url: "ftp://hooks.example.com" }, /https/],
  ["a password in it", { url: "https://me:pw@hooks.example.com" }, /leave them out/],
  ["a short secret", { url: "https://hooks.example.com", secret: "short" }, /choose a longer one/],
  ["no address", { secret }, /give the address/],
  ["a platform's metadata", { url: "http://169.254.169.254/metadata" }, /is not an address that this service connects/],
  ["the same, in IPv6", { url: "http://[::ffff:169.254.169.254]/x" }, /is not an address that this service connects/],
])("%s is refused", async (_, notifications, remedy) => {
  const answer = await stage.client.put(
    "refused",
    offlineMigration(stage.source, stage.target, ["small"], { notifications }),
  );
  expect(answer.status).toBe(400);
  expect(JSON.stringify(answer.body)).toMatch(remedy);
});
