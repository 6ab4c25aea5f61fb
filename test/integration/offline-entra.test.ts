import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EmbeddedServer, testCertificateAuthority } from "../../local/embedded-server.js";
import { offlineMigration } from "../../local/migration-client.js";
import { pgmigrate } from "../fixtures/pgmigrate.js";
import { Stage } from "../fixtures/stage.js";

// Both servers know their user by the token that is good now, as servers of Azure do that take nothing but Entra.
let token = "first-token-of-the-identity";
const asked: string[] = [];
let identity: Server;
let stage: Stage;

beforeAll(async () => {
  // What App Service and Functions offer a managed identity at, with tokens that live too short to be handed out twice.
  identity = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://identity");
    asked.push(`${request.headers["x-identity-header"]} ${pathname} ${searchParams.get("resource")}`);
    const body = {
      access_token: token,
      expires_on: String(Math.floor(Date.now() / 1_000) + 60),
      resource: "https://ossrdbms-aad.database.windows.net",
      token_type: "Bearer",
    };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
  }).listen(0, "127.0.0.1");
  await once(identity, "listening");
  const address = identity.address();
  stage = await Stage.open({
    source: { tls: true },
    target: { tls: true },
    service: {
      instances: 1,
      settings: {
        IDENTITY_ENDPOINT: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/msi/token`,
        IDENTITY_HEADER: "header-of-the-app",
        SSL_ROOT_CERTIFICATE: testCertificateAuthority,
      },
    },
  });
  for (const server of [stage.source, stage.target]) {
    await server.query("create role entra_user superuser login");
  }
  await stage.source.query("create database orders");
  await stage.source.query("create table item (id int primary key, name text)", { database: "orders" });
  await stage.source.query("insert into item select n, 'item ' || n from generate_series(1, 1000) as n", {
    database: "orders",
  });
  await letIn(token);
});

afterAll(async () => {
  await stage?.close();
  identity?.close();
});

async function letIn(password: string): Promise<void> {
  for (const server of [stage.source, stage.target]) await server.query(`alter role entra_user password '${password}'`);
}

function body(properties: Record<string, unknown> = {}) {
  return offlineMigration(stage.source, stage.target, ["orders"], {
    sourceAuthentication: "Entra",
    targetAuthentication: "entra",
    sourceDbServerResourceId: `localhost:${stage.source.port}@entra_user`,
    targetDbServerFullyQualifiedDomainName: `localhost:${stage.target.port}`,
    secretParameters: { targetServerUsername: "entra_user" },
    ...properties,
  });
}

test("every session asks for its token: one that has run out while the migration waited is used by none", async () => {
  await stage.client.start("by-token", body({ startDataMigration: "False" }));
  await stage.client.waitForSubstate("by-token", "WaitingForDataMigrationScheduling");
  const first = token;
  token = "second-token-of-the-identity";
  await letIn(token);
  await stage.client.patch("by-token", { startDataMigration: "True" });
  await stage.client.waitForState("by-token", "Succeeded");
  expect(await stage.differences("orders")).toEqual([]);
  expect(new Set(asked)).toEqual(new Set(["header-of-the-app /msi/token https://ossrdbms-aad.database.windows.net"]));
  expect(await stage.secretsFound([first, token])).toEqual([]);
  const { properties } = await stage.client.get("by-token");
  expect(properties).toMatchObject({ sourceAuthentication: "Entra", targetAuthentication: "Entra" });
});

test("the servers can be asked by token before there is a migration", async () => {
  const { properties } = body();
  const call = (operation: string) =>
    fetch(stage.client.url().replace(/migrations$/, operation), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ properties }),
    });
  const tested = await (await call("testConnection")).json();
  expect(tested).toMatchObject({ source: { reachable: true, user: "entra_user" }, target: { reachable: true } });
  expect(JSON.stringify(await (await call("listSourceDatabases")).json())).toContain('"orders"');
  const shell = await pgmigrate(["test-connection", "-s", "target", "-b", "-", "--url", stage.service.url], {
    input: JSON.stringify({ properties }),
  });
  expect(shell.stdout).toMatch(/^source +localhost:\d+ +entra_user +true/m);
  expect(shell.code).toBe(0);
});

test("a server that does not know the identity is told apart from one with a wrong password", async () => {
  await letIn("another one");
  await stage.client.start("stranger", body());
  const end = await stage.client.waitForEnd("stranger");
  expect(end.properties.currentStatus.error).toContain("Make the app's identity an Entra administrator of the server");
  await letIn(token);
});

test("a token is sent to no server that is not verified, whatever sslMode says", async () => {
  const stranger = await EmbeddedServer.start({ major: 12, tls: "wrong-host", settings: { log_connections: "on" } });
  try {
    const address = { sourceDbServerResourceId: `localhost:${stranger.port}@entra_user` };
    await stage.client.start("elsewhere", body({ sslMode: "Prefer", ...address }));
    const end = await stage.client.waitForEnd("elsewhere");
    expect(end.properties.currentStatus.error).toMatch(/sslMode VerifyFull could not verify the server's certificate/);
    expect(await stranger.log()).not.toContain("entra_user");
  } finally {
    await stranger.stop();
  }
});

test("what cannot be done with tokens is refused with what to do instead", async () => {
  const online = await stage.client.put("online", body({ migrationMode: "Online" }));
  expect(online.status).toBe(400);
  expect(JSON.stringify(online.body)).toContain("Make a role with a password and REPLICATION on the source");
  const both = await stage.client.put(
    "both",
    body({ secretParameters: { adminCredentials: { sourceServerPassword: "x" }, targetServerUsername: "entra_user" } }),
  );
  expect(both.status).toBe(400);
  expect(JSON.stringify(both.body)).toContain("is not needed with Entra");
  const half = await stage.client.put("half", body({ targetAuthentication: "Password" }));
  expect(half.status).toBe(400);
  expect(JSON.stringify(half.body)).toContain("properties.secretParameters.adminCredentials");
});
