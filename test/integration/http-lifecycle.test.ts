import { randomBytes } from "node:crypto";
import { QueueClient } from "@azure/storage-queue";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { offlineMigration } from "../../local/migration-client.js";
import { parseMigrationPath } from "../../shared/model/migration-path.js";
import { parseMigrationRequest } from "../../shared/model/migration-request.js";
import { createMigration } from "../../shared/requests/create-migration.js";
import { loadSecrets } from "../../shared/status/secrets.js";
import { recordParts } from "../../shared/status/tables.js";
import { listTransitions } from "../../shared/status/transitions.js";
import { Stage } from "../fixtures/stage.js";

let stage: Stage;
const secretsKey = randomBytes(32).toString("base64");
const hostile = `we"ird 'näme'/%|.🐘`;

beforeAll(async () => {
  stage = await Stage.open({ service: { settings: { SECRETS_KEY: secretsKey } } });
  process.env.AzureWebJobsStorage = stage.azurite.connectionString;
  process.env.SECRETS_KEY = secretsKey;
  for (const name of ["a", "b", "c", "d", "e", "f", "g", "h", hostile]) {
    await stage.source.query(`create database "${name.replaceAll('"', '""')}"`);
  }
});
afterAll(() => stage?.close());

/** A migration that stops and waits before it copies anything, until it is told to start. */
function held(databases: string[], properties: Record<string, unknown> = {}) {
  return offlineMigration(stage.source, stage.target, databases, { startDataMigration: "False", ...properties });
}

const scheduling = "WaitingForDataMigrationScheduling";

describe("PUT", () => {
  it("creates once: repeated in any case it answers the same migration", async () => {
    const first = await stage.client.put("once", held(["a"]));
    expect(first.status).toBe(201);
    const again = await stage.client.put("ONCE", held(["a"]));
    expect(again.status).toBe(200);
    expect(again.body.properties.migrationId).toBe(first.body.properties.migrationId);
    await stage.client.cancel("once");
    await stage.client.waitForState("once", "Canceled");
    expect((await stage.client.put("once", held(["a"]))).status).toBe(200);
  });

  it("of several at the same time creates one migration and starts one orchestration", async () => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => stage.client.put("race", held(["a"]))));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 201]);
    expect(new Set(answers.map(({ body }) => body.properties.migrationId)).size).toBe(1);
    await stage.client.waitForSubstate("race", scheduling);
    expect(await rootOrchestrations("target_race")).toHaveLength(1);
    await stage.client.cancel("race");
    await stage.client.waitForState("race", "Canceled");
  });

  it("of two migrations for one target database lets one through, and for different databases both", async () => {
    const [one, other] = await Promise.all([
      stage.client.put("rival1", held(["b", "c"])),
      stage.client.put("rival2", held(["c", "d"])),
    ]);
    expect([one.status, other.status].sort()).toEqual([201, 409]);
    const beside = await stage.client.put("beside", held(["e"]));
    expect(beside.status).toBe(201);
    const [winner, loser] = one.status === 201 ? ["rival1", "rival2"] : ["rival2", "rival1"];
    await stage.client.cancel(winner);
    await stage.client.waitForState(winner, "Canceled");
    expect((await stage.client.put(loser, held(["c"]))).status).toBe(201);
    for (const name of [loser, "beside"]) await stage.client.cancel(name);
    for (const name of [loser, "beside"]) await stage.client.waitForState(name, "Canceled");
  });

  it("that died before it started the orchestration is made up for by the next", async () => {
    const route = new URL(stage.client.url("crashed")).pathname.split("/");
    const path = parseMigrationPath({
      subscriptionId: route[2] ?? "",
      resourceGroupName: route[4] ?? "",
      serverName: "target",
      migrationName: "crashed",
    });
    const dead = {
      ensureStarted: () => Promise.reject(new Error("killed")),
      stateOf: () => Promise.resolve({ kind: "missing" } as const),
      purge: () => Promise.resolve(),
    };
    await expect(createMigration(parseMigrationRequest(path, held(["f"])), dead)).rejects.toThrow("killed");
    expect(await rootOrchestrations("target_crashed")).toHaveLength(0);
    expect((await stage.client.put("crashed", held(["f"]))).status).toBe(200);
    await stage.client.waitForSubstate("crashed", scheduling);
    await stage.client.cancel("crashed");
    await stage.client.waitForState("crashed", "Canceled");
  });
});

describe("PATCH", () => {
  it("starts what was held, with passwords that have changed in the meantime", async () => {
    await stage.source.query("create role mover login superuser password 'first-password-of-mover'");
    const source = {
      host: stage.source.host,
      port: stage.source.port,
      user: "mover",
      password: "first-password-of-mover",
    };
    const body = offlineMigration(source, stage.target, [hostile], { startDataMigration: "False" });
    expect((await stage.client.put("patched", body)).status).toBe(201);
    await stage.client.waitForSubstate("patched", scheduling);
    await stage.source.query("alter role mover password 'second-password-of-mover'");
    const answer = await stage.client.patch("patched", {
      secretParameters: { adminCredentials: { sourceServerPassword: "second-password-of-mover" } },
      startDataMigration: true,
    });
    expect(answer.status).toBe(200);
    expect(answer.body.properties.startDataMigration).toBe("True");
    const end = await stage.client.waitForEnd("patched");
    expect(end.properties.currentStatus).toMatchObject({
      state: "Succeeded",
      currentSubStateDetails: {
        currentSubState: "Completed",
        dbDetails: { [hostile]: { migrationState: "Succeeded" } },
      },
    });
    await expect(loadSecrets("target_patched")).rejects.toMatchObject({ code: "SecretsMissing" });
    expect(await stage.secretsFound(["first-password-of-mover", "second-password-of-mover"])).toEqual([]);
  });

  it("changes a migration only from the state that its ETag stands for", async () => {
    const created = await fetchMigration("etags", "PUT", held(["g"]));
    expect(created.status).toBe(201);
    await stage.client.waitForSubstate("etags", scheduling);
    const read = await fetchMigration("etags", "GET");
    const patched = await fetchMigration("etags", "PATCH", { tags: { team: "data" } }, { "if-match": read.etag });
    expect(patched).toMatchObject({ status: 200, body: { tags: { team: "data" } } });
    expect(patched.etag).not.toBe(read.etag);
    const stale = await fetchMigration("etags", "PATCH", { tags: {} }, { "if-match": read.etag });
    expect(stale.status).toBe(412);
    expect((await fetchMigration("etags", "DELETE", undefined, { "if-match": patched.etag })).status).toBe(200);
    await stage.client.waitForState("etags", "Canceled");
  });
});

describe("the name of a migration that has ended", () => {
  it("is used again by a PUT with If-Match, and by no other", async () => {
    const first = await fetchMigration("again", "PUT", held(["f"]));
    expect(first.status).toBe(201);
    await stage.client.waitForSubstate("again", scheduling);
    expect((await fetchMigration("again", "PUT", held(["g"]), { "if-match": "*" })).status).toBe(409);
    await stage.client.cancel("again");
    await stage.client.waitForState("again", "Canceled");
    const other = await fetchMigration("again", "PUT", held(["g"]));
    expect(other).toMatchObject({ status: 409, body: { error: { message: expect.stringMatching(/send If-Match/) } } });
    expect((await fetchMigration("again", "PUT", held(["g"]), { "if-none-match": "*" })).status).toBe(412);
    expect((await fetchMigration("again", "PUT", held(["f"]))).body).toMatchObject({
      properties: { currentStatus: { state: "Canceled" } },
    });
    const { etag } = await fetchMigration("again", "GET");
    const second = await fetchMigration("again", "PUT", held(["g"]), { "if-match": etag });
    expect(second).toMatchObject({ status: 201, body: { properties: { dbsToMigrate: ["g"] } } });
    await stage.client.waitForSubstate("again", scheduling);
    await stage.client.patch("again", { cancel: "True" });
    await stage.client.waitForState("again", "Canceled");
    expect((await listTransitions("target_again")).map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  });
});

describe("a command on the queue", () => {
  it("cancels a migration", async () => {
    expect((await stage.client.put("commanded", held(["h"]))).status).toBe(201);
    await stage.client.waitForSubstate("commanded", scheduling);
    const queue = new QueueClient(stage.azurite.connectionString, "migration-commands");
    const command = { migration: { server: "target", name: "commanded" }, command: "Cancel" };
    await queue.sendMessage(Buffer.from(JSON.stringify(command)).toString("base64"));
    await stage.client.waitForState("commanded", "Canceled");
  });
});

describe("the servers' endpoints", () => {
  it("test both connections and tell what is there, or what to do", async () => {
    const answer = await post("testConnection", held(["a"]));
    expect(answer).toMatchObject({
      source: {
        reachable: true,
        majorVersion: stage.source.major,
        tls: { inUse: false },
        superuser: true,
        administrator: "postgres",
      },
      target: { reachable: true, majorVersion: stage.target.major, databases: expect.any(Number) },
    });
    const wrong = held(["a"]);
    wrong.properties.secretParameters = {
      adminCredentials: { sourceServerPassword: "not-the-password", targetServerPassword: stage.target.password },
      sourceServerUsername: stage.source.user,
      targetServerUsername: stage.target.user,
    };
    expect(await post("testConnection", wrong)).toMatchObject({
      source: {
        reachable: false,
        error: { code: "AuthenticationFailed", message: expect.stringContaining("password") },
      },
      target: { reachable: true },
    });
    const onlySource = { properties: { ...wrong.properties, secretParameters: sourceSecrets(), sslMode: "Require" } };
    expect(await post("testConnection", onlySource)).toEqual({
      source: expect.objectContaining({
        reachable: false,
        error: expect.objectContaining({ code: "TlsNotSupported" }),
      }),
    });
  });

  it("list the source's databases with their sizes, without the server's own", async () => {
    const properties = {
      sourceDbServerResourceId: `127.0.0.1:${stage.source.port}@${stage.source.user}`,
      secretParameters: sourceSecrets(),
    };
    const { value } = (await post("listSourceDatabases", { properties })) as { value: { name: string }[] };
    expect(value.map(({ name }) => name)).toEqual(["a", "b", "c", "d", "e", "f", "g", "h", hostile]);
    expect(value[0]).toEqual({
      name: "a",
      sizeBytes: expect.any(Number),
      encoding: "UTF8",
      collation: "C",
      characterType: "C",
      owner: "postgres",
    });
  });
});

describe("the tables of a migration", () => {
  it("come page by page, each with its parts, and by database and state", async () => {
    expect((await stage.client.put("paged", held(["a", "b"]))).status).toBe(201);
    await stage.client.waitForSubstate("paged", scheduling);
    const common = { schemaName: "public", rows: 10, bytes: 100, instance: "worker:1" };
    await recordParts("target_paged", [
      ...Array.from({ length: 1_200 }, (_, index) => ({
        ...common,
        database: "a",
        tableName: `t${index}`,
        part: 1,
        parts: 1,
        state: "completed" as const,
      })),
      ...([1, 2, 3] as const).map((part) => ({
        ...common,
        database: "b",
        tableName: "big",
        part,
        parts: 3,
        state: part === 2 ? ("errored" as const) : ("completed" as const),
        ...(part === 2 && { error: "disk full" }),
      })),
    ]);
    const tables = await stage.client.tables("paged");
    expect(new Set(tables.map(({ tableName }) => tableName)).size).toBe(1_201);
    expect(tables).toHaveLength(1_201);
    const [big, ...others] = await tablesAt(stage.client.url("paged", "/tables?database=b&state=errored"));
    expect(others).toEqual([]);
    expect(big).toMatchObject({
      database: "b",
      tableName: "big",
      state: "errored",
      rows: 30,
      bytes: 300,
      error: "disk full",
    });
    expect(big?.parts).toHaveLength(3);
    expect(await tablesAt(stage.client.url("paged", "/tables?database=b&state=completed"))).toEqual([]);
    await stage.client.cancel("paged");
    await stage.client.waitForState("paged", "Canceled");
  });
});

describe("secrets", () => {
  it("are in no answer, file or log after all of this", async () => {
    expect(await stage.secretsFound()).toEqual([]);
  });
});

function sourceSecrets() {
  return { adminCredentials: { sourceServerPassword: stage.source.password } };
}

async function rootOrchestrations(instanceId: string): Promise<unknown[]> {
  const response = await fetch(`${stage.service.url}/runtime/webhooks/durabletask/instances`);
  const instances = (await response.json()) as { instanceId: string }[];
  return instances.filter((instance) => instance.instanceId === instanceId);
}

async function tablesAt(url: string): Promise<{ parts: unknown[] }[]> {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  return ((await response.json()) as { value: { parts: unknown[] }[] }).value;
}

async function post(action: string, body: unknown): Promise<unknown> {
  const response = await fetch(stage.client.url().replace(/\/migrations$/, `/${action}`), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  expect({ status: response.status, text }).toMatchObject({ status: 200 });
  expect(text).not.toContain(stage.source.password);
  return JSON.parse(text);
}

async function fetchMigration(name: string, method: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(stage.client.url(name), {
    method,
    headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, etag: response.headers.get("etag") ?? "", body: (await response.json()) as object };
}
