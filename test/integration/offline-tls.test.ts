import { afterAll, beforeAll, expect, test } from "vitest";
import { seedMany } from "../../demo/seed/many.js";
import { EmbeddedServer, foreignCertificateAuthority, testCertificateAuthority } from "../../local/embedded-server.js";
import { type MigrationAnswer, MigrationClient, offlineMigration } from "../../local/migration-client.js";
import { Service } from "../../local/service.js";
import { Stage } from "../fixtures/stage.js";

const onlyTls = ["hostssl all all all scram-sha-256", "hostnossl all all all reject"];

let stage: Stage;
let plain: EmbeddedServer;
let otherName: EmbeddedServer;

beforeAll(async () => {
  [stage, plain, otherName] = await Promise.all([
    Stage.open({
      source: { tls: true, hba: onlyTls },
      target: { tls: true, hba: onlyTls },
      service: { settings: { SSL_ROOT_CERTIFICATE: testCertificateAuthority } },
    }),
    EmbeddedServer.start({ major: 12 }),
    EmbeddedServer.start({ major: 12, tls: "wrong-host" }),
  ]);
  for (const server of [stage.source, plain, otherName]) await seedMany(server, { database: "small", tables: 3 });
}, 120_000);

afterAll(async () => {
  await Promise.all([stage?.close(), plain?.stop(), otherName?.stop()]);
});

let count = 0;

async function migrate(
  source: EmbeddedServer,
  sslMode: string,
  client: MigrationClient = stage.client,
): Promise<MigrationAnswer["properties"]["currentStatus"]> {
  const name = `tls-${++count}`;
  await client.start(name, offlineMigration(source, stage.target, ["small"], { sslMode }));
  return (await client.waitForEnd(name)).properties.currentStatus;
}

test.each(["Prefer", "Require", "VerifyCA", "VerifyFull"])(
  "sslMode %s reaches servers that accept TLS only",
  async (mode) => {
    expect(await migrate(stage.source, mode)).toMatchObject({ state: "Succeeded" });
  },
);

test("sslMode Prefer reaches a server without TLS", async () => {
  expect(await migrate(plain, "Prefer")).toMatchObject({ state: "Succeeded" });
});

test.each(["Require", "VerifyCA", "VerifyFull"])("sslMode %s refuses a server without TLS", async (mode) => {
  const { state, error } = await migrate(plain, mode);
  expect(state).toBe("Failed");
  expect(error).toMatch(/does not support SSL.*sslMode/s);
});

test("sslMode VerifyCA accepts a certificate of another name, VerifyFull does not", async () => {
  expect(await migrate(otherName, "VerifyCA")).toMatchObject({ state: "Succeeded" });
  const { state, error } = await migrate(otherName, "VerifyFull");
  expect(state).toBe("Failed");
  expect(error).toMatch(/certificate/);
});

test("with another certificate authority VerifyCA refuses, Require too when roots are set, and targetSslMode is the target's own", async () => {
  const service = await Service.start({
    instances: 1,
    settings: { SSL_ROOT_CERTIFICATE: foreignCertificateAuthority },
  });
  try {
    const client = new MigrationClient(service, "target");
    const { state, error } = await migrate(stage.source, "VerifyCA", client);
    expect(state).toBe("Failed");
    expect(error).toMatch(/certificate/);
    expect((await migrate(stage.source, "Require", client)).error).toMatch(/certificate/);
    await client.start("own", offlineMigration(plain, stage.target, ["small"], { targetSslMode: "VerifyFull" }));
    const own = (await client.waitForEnd("own")).properties;
    expect(own).toMatchObject({ sslMode: "Prefer", targetSslMode: "VerifyFull" });
    expect(own.currentStatus.error).toMatch(/certificate/);
  } finally {
    await service.stop();
  }
});
