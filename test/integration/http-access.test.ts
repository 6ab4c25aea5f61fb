import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Azurite, startAzurite } from "../../local/azurite.js";
import { offlineMigration } from "../../local/migration-client.js";
import { Service } from "../../local/service.js";
import { getMigration } from "../../shared/status/migrations.js";

/** What callers may do, and what they cannot make the service do. */
let azurite: Azurite;
let signedIn: Service;
let open: Service;
const server = "subscriptions/s/resourceGroups/g/providers/Microsoft.DBforPostgreSQL/flexibleServers/guarded";

beforeAll(async () => {
  azurite = await startAzurite();
  process.env.AzureWebJobsStorage = azurite.connectionString;
  const settings = { AzureWebJobsStorage: azurite.connectionString };
  [signedIn, open] = await Promise.all([
    Service.start({ instances: 1, settings: { ...settings, WEBSITE_AUTH_ENABLED: "True" } }),
    Service.start({ instances: 1 }),
  ]);
});
afterAll(async () => {
  await Promise.all([signedIn?.stop(), open?.stop()]);
  await azurite?.stop();
});

function principal(...roles: string[]): Record<string, string> {
  const claims = [
    { typ: "preferred_username", val: "operator@example.com" },
    ...roles.map((val) => ({ typ: "roles", val })),
  ];
  const content = { auth_typ: "aad", claims, name_typ: "preferred_username", role_typ: "roles" };
  return { "x-ms-client-principal": Buffer.from(JSON.stringify(content)).toString("base64") };
}

async function send(service: Service, method: string, path: string, headers: Record<string, string>, body?: unknown) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const response = await fetch(`${service.url}/${server}/${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body: text }),
  });
  const answer = await response.text();
  return { status: response.status, text: answer, error: answer === "" ? undefined : JSON.parse(answer).error };
}

const nowhere = { host: "127.0.0.1", port: 1, user: "u", password: "p" };
const migration = offlineMigration(nowhere, { ...nowhere, port: 2 }, ["a"]);

describe("with the platform's sign-in", () => {
  it.each([
    ["GET", "migrations", undefined],
    ["PUT", "migrations/m", migration],
    ["DELETE", "migrations/m", undefined],
  ])("nobody signed in may not %s %s", async (method, path, body) => {
    expect((await send(signedIn, method, path, {}, body)).status).toBe(401);
    expect((await send(signedIn, method, path, { "x-ms-client-principal": "bm9uc2Vuc2U=" }, body)).status).toBe(401);
    const unassigned = await send(signedIn, method, path, principal("Other"), body);
    expect(unassigned).toMatchObject({ status: 403, error: { code: "AuthorizationFailed" } });
    expect(unassigned.error.message).toMatch(/operator@example.com has not the app role Migrations\./);
  });

  it("Migrations.Read reads and checks names, and changes nothing", async () => {
    const reader = principal("Migrations.Read");
    expect((await send(signedIn, "GET", "migrations", reader)).status).toBe(200);
    const name = { name: "m", type: "Microsoft.DBforPostgreSQL/flexibleServers/migrations" };
    expect((await send(signedIn, "POST", "checkMigrationNameAvailability", reader, name)).status).toBe(200);
    for (const [method, path, body] of [
      ["PUT", "migrations/m", migration],
      ["PATCH", "migrations/m", { properties: { cancel: true } }],
      ["DELETE", "migrations/m", undefined],
      ["POST", "testConnection", migration],
    ] as const) {
      expect((await send(signedIn, method, path, reader, body)).status).toBe(403);
    }
    expect(await getMigration("guarded_m")).toBeUndefined();
  });

  it("Migrations.Write does all, and the row says who asked for what", async () => {
    const writer = principal("Migrations.Write");
    const created = await send(signedIn, "PUT", "migrations/m", writer, migration);
    expect(created.status).toBe(201);
    expect(JSON.parse(created.text).systemData).toMatchObject({
      createdBy: "operator@example.com",
      createdByType: "User",
    });
    await send(signedIn, "PATCH", "migrations/m", writer, { properties: { cancel: true } });
    const row = await getMigration("guarded_m");
    expect(row?.audit.split("\n")[0]).toMatch(/^\S+Z operator@example\.com PUT$/);
    expect(row).toMatchObject({ createdBy: "operator@example.com", lastModifiedBy: "operator@example.com" });
  });
});

describe("without it", () => {
  it("the header, which anybody can send, changes nothing", async () => {
    expect((await send(open, "GET", "migrations", principal("Other"))).status).toBe(200);
    expect((await send(open, "GET", "migrations", {})).status).toBe(200);
  });
});

describe("a body made to be expensive", () => {
  const names = (count: number) => Array.from({ length: count }, (_, index) => `n${index}`);
  const withProperties = (properties: object) => ({ properties: { ...migration.properties, ...properties } });

  it.each([
    ["300,000 zeros", "0".repeat(300_000)],
    ["300,000 brackets", "[".repeat(300_000)],
    ["300,000 zeros as a number in a list", `{"properties":{"dbsToMigrate":[${"0".repeat(300_000)}]}}`],
    ["0.9 MB of names", withProperties({ dbsToMigrate: names(90_000) })],
    ["0.9 MB of unknown fields", withProperties(Object.fromEntries(names(60_000).map((name) => [name, 1])))],
    ["0.9 MB of tags", { ...withProperties({}), tags: Object.fromEntries(names(60_000).map((name) => [name, 1])) }],
    ["0.9 MB in one name", withProperties({ ["x".repeat(900_000)]: 1 })],
    ["a user with NUL", withProperties({ sourceDbServerResourceId: "h:1@u\0database\0x" })],
    ["a user with a line break", withProperties({ sourceDbServerResourceId: "h:1@u\nERROR" })],
  ])("%s is refused with a short answer", async (_, body) => {
    const answer = await send(open, "PUT", "migrations/x", {}, body);
    expect(answer.error?.code).toMatch(/^Invalid/);
    expect(answer.status).toBe(400);
    expect(answer.text.length).toBeLessThan(200_000);
  });
});
