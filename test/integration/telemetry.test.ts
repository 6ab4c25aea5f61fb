import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { json } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { offlineMigration } from "../../local/migration-client.js";
import { Stage } from "../fixtures/stage.js";

interface Span {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: { key: string; value: { stringValue?: string } }[];
}

/** OTLP's body in JSON, as far as it is looked at here. */
interface Exported {
  resourceSpans?: { scopeSpans: { spans: Span[] }[] }[];
  resourceMetrics?: { scopeMetrics: { metrics: { name: string }[] }[] }[];
}

const spans: Span[] = [];
const metrics = new Set<string>();
const received: string[] = [];
let collector: Server;
let stage: Stage;

beforeAll(async () => {
  collector = createServer(async (request, response) => {
    const body = (await json(request)) as Exported;
    received.push(JSON.stringify(body));
    for (const resource of body.resourceSpans ?? []) {
      for (const scope of resource.scopeSpans) spans.push(...scope.spans);
    }
    for (const resource of body.resourceMetrics ?? []) {
      for (const scope of resource.scopeMetrics) for (const { name } of scope.metrics) metrics.add(name);
    }
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
  }).listen(0, "127.0.0.1");
  await once(collector, "listening");
  const address = collector.address();
  const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  stage = await Stage.open({ service: { settings: { OTEL_EXPORTER_OTLP_ENDPOINT: url } } });
  await stage.source.query("create database orders");
  await stage.source.query("create table item (id int primary key, name text)", { database: "orders" });
  await stage.source.query("insert into item select n, 'private row ' || n from generate_series(1, 1000) as n", {
    database: "orders",
  });
});
afterAll(async () => {
  await stage?.close();
  collector?.close();
});

test("one trace a migration, over all instances: its steps nest below its databases, and neither secrets nor rows are in it", async () => {
  await stage.client.start("traced", offlineMigration(stage.source, stage.target, ["orders"]));
  await stage.client.waitForState("traced", "Succeeded");
  await expect.poll(() => spans.map(({ name }) => name), { timeout: 30_000 }).toContain("migration");
  await expect
    .poll(() => [...metrics].sort(), { timeout: 30_000 })
    .toEqual([
      "migration.copied.bytes",
      "migration.copied.rows",
      "migration.copied.tables",
      "migration.ended",
      "migration.step.duration",
    ]);

  const root = spans.find(({ name }) => name === "migration");
  const database = spans.find(({ name }) => name === "database");
  expect(root?.parentSpanId ?? "").toBe("");
  expect(database?.parentSpanId).toBe(root?.spanId);
  expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([root?.traceId]));
  const parents = new Map(spans.map(({ name, parentSpanId }) => [name, parentSpanId]));
  expect(parents.get("prepareMigration")).toBe(root?.spanId);
  expect(parents.get("copyTask")).toBe(database?.spanId);
  expect(parents.get("verifyDatabase")).toBe(database?.spanId);
  const copy = spans.find(({ name }) => name === "copyTask");
  expect(copy?.attributes).toEqual(
    expect.arrayContaining([
      { key: "db.system.name", value: { stringValue: "postgresql" } },
      { key: "db.namespace", value: { stringValue: "orders" } },
      { key: "migration.key", value: { stringValue: "target_traced" } },
    ]),
  );
  expect(BigInt(copy?.startTimeUnixNano ?? 0)).toBeGreaterThan(BigInt(root?.startTimeUnixNano ?? 0));

  const everything = received.join("\n");
  for (const secret of [stage.source.password, stage.target.password, "private row"]) {
    expect(everything).not.toContain(secret);
  }
});

test("/health needs no key, and says so when the storage account is gone", async () => {
  const healthy = await fetch(`${stage.service.url}/health`);
  expect(healthy.status).toBe(200);
  expect(await healthy.json()).toMatchObject({
    status: "Healthy",
    storage: { reachable: true },
    queues: { commandsWaiting: 0, commandsRefused: 0 },
  });
  await stage.azurite.stop();
  const ill = await fetch(`${stage.service.url}/health`);
  expect(ill.status).toBe(503);
  expect(await ill.json()).toMatchObject({ status: "Unhealthy", storage: { reachable: false } });
});
