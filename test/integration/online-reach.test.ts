import { randomBytes } from "node:crypto";
import { chmod, copyFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { TableClient } from "@azure/data-tables";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { foreignCertificateAuthority, testCertificateAuthority } from "../../local/embedded-server.js";
import { freePort } from "../../local/free-port.js";
import { hasEnded, offlineMigration, type ServerAddress } from "../../local/migration-client.js";
import { repositoryRoot } from "../../local/repository-root.js";
import { onlineMigration, openOnlineStage, replicationLeftovers, whenDatabase } from "../fixtures/online-stage.js";
import type { Stage } from "../fixtures/stage.js";
import { ThrottledProxy } from "../fixtures/throttled-proxy.js";

/** A busy machine must not make a promise fail. */
const patience = 240_000;

const onlyTls = ["hostssl all all all scram-sha-256", "hostnossl all all all reject"];
const items = "create table items (id serial primary key, v text); insert into items (v) values ('first')";

let stage: Stage;
let folder: string;
/** The file on the target that SOURCE_ROOT_CERTIFICATE_ON_TARGET names. */
let rootCertificate: string;
/** Where the service finds the source, and where the target does, which has been given another address for it. */
let serviceSide: ThrottledProxy;
let targetSide: ThrottledProxy;
/** Where the service finds the source, while the target has been given an address where nobody listens. */
let oneSided: ThrottledProxy;

beforeAll(async () => {
  // Of root's own temporary folder, another user's server could not read a file.
  folder = await mkdtemp(join(tmpdir(), "pgmigration-reach-"));
  await chmod(folder, 0o755);
  rootCertificate = join(folder, "root.crt");
  await trust(testCertificateAuthority);
  const source = {
    host: "127.0.0.1",
    get port() {
      return stage.source.port;
    },
  };
  [serviceSide, targetSide, oneSided] = await Promise.all([
    ThrottledProxy.start(source),
    ThrottledProxy.start(source),
    ThrottledProxy.start(source),
  ]);
  stage = await openOnlineStage({
    source: { tls: true, hba: onlyTls },
    target: { tls: true },
    service: {
      settings: {
        SSL_ROOT_CERTIFICATE: testCertificateAuthority,
        SOURCE_ROOT_CERTIFICATE_ON_TARGET: rootCertificate,
        SOURCE_ADDRESSES_FROM_TARGET:
          `${addressOf(serviceSide)}=${addressOf(targetSide)}, ` +
          `${addressOf(oneSided)}=127.0.0.1:${await freePort()}`,
      },
    },
  });
});

afterAll(async () => {
  await stage?.close();
  await Promise.all([serviceSide?.stop(), targetSide?.stop(), oneSided?.stop()]);
  await rm(folder, { recursive: true, force: true });
});

function addressOf({ host, port }: { host: string; port: number }): string {
  return `${host}:${port}`;
}

async function trust(certificateAuthority: string): Promise<void> {
  await copyFile(certificateAuthority, rootCertificate);
  await chmod(rootCertificate, 0o644);
}

async function createItems(database: string): Promise<void> {
  await stage.source.query(`create database ${database}`);
  await stage.source.query(items, { database });
}

function throughProxy({ host, port }: ThrottledProxy, user = stage.source.user): { sourceDbServerResourceId: string } {
  return { sourceDbServerResourceId: `${host}:${port}@${user}` };
}

/** The target's own connection string to the source, and what the source knows of that connection. */
async function connectionOf(database: string): Promise<{ connection: string; ssl: boolean }> {
  const [subscription] = await stage.target.query<{ name: string; connection: string }>(
    `
      select subname as name, subconninfo as connection
      from pg_subscription
      where subdbid = (select oid from pg_database where datname = $1)
    `,
    { values: [database] },
  );
  const [walsender] = await stage.source.query<{ ssl: boolean }>(
    `
      select security.ssl
      from pg_stat_replication as walsender
      join pg_stat_ssl as security using (pid)
      where walsender.application_name = $1
    `,
    { values: [subscription?.name] },
  );
  if (subscription === undefined || walsender === undefined) throw new Error(`nobody follows ${database}`);
  return { connection: subscription.connection, ssl: walsender.ssl };
}

describe("a source that accepts TLS only, and has other addresses for the target", () => {
  test("is followed as sslMode and SOURCE_ADDRESSES_FROM_TARGET say", { timeout: patience }, async () => {
    const modes = [
      ["Require", "require", {}],
      ["VerifyCA", "verify-ca", {}],
      ["VerifyFull", "verify-full", throughProxy(serviceSide)],
    ] as const;
    await Promise.all(
      modes.map(async ([sslMode, , way]) => {
        const database = sslMode.toLowerCase();
        await createItems(database);
        await stage.client.start(database, onlineMigration(stage, [database], { sslMode, ...way }));
      }),
    );
    for (const [sslMode, libpqMode] of modes) {
      const database = sslMode.toLowerCase();
      await stage.client.waitForSubstate(database, "WaitingForCutoverTrigger", 120);
      const { connection, ssl } = await connectionOf(database);
      expect(ssl).toBe(true);
      expect(connection).toContain(`sslmode='${libpqMode}'`);
      expect(connection).toContain(`sslrootcert='${rootCertificate}'`);
      const port = sslMode === "VerifyFull" ? targetSide.port : stage.source.port;
      expect(connection).toContain(`port='${port}'`);
      await stage.source.query("insert into items (v) values ('replicated')", { database });
    }
    expect(targetSide.carried).toBeGreaterThan(0);
    const databases = modes.map(([sslMode]) => sslMode.toLowerCase());
    for (const database of databases) await stage.client.patch(database, { triggerCutover: "True" });
    for (const database of databases) {
      await stage.client.waitForState(database, "Succeeded", 120);
      expect(await stage.differences(database)).toEqual([]);
    }
    expect(await replicationLeftovers(stage, databases)).toEqual([]);
  });

  test("is not followed when another authority signed its certificate: the message names the setting", {
    timeout: patience,
  }, async () => {
    await createItems("untrusted");
    await trust(foreignCertificateAuthority);
    try {
      await stage.client.start("untrusted", onlineMigration(stage, ["untrusted"], { sslMode: "VerifyCA" }));
      const { state, error } = (await stage.client.waitForEnd("untrusted", { limitSeconds: 200 })).properties
        .currentStatus;
      expect(state).toBe("Failed");
      expect(error).toMatch(/certificate verify failed.*sslMode VerifyCA.*SOURCE_ROOT_CERTIFICATE_ON_TARGET/s);
      expect(await replicationLeftovers(stage, ["untrusted"])).toEqual([]);
    } finally {
      await trust(testCertificateAuthority);
    }
  });
});

describe("users that are no superusers", () => {
  /** As docs/online.md names them. */
  const database = "orders";
  const mover = { user: "mover", password: `pw-${randomBytes(18).toString("base64url")}` };
  let source: ServerAddress;
  let target: ServerAddress;

  beforeAll(async () => {
    source = { host: stage.source.host, port: stage.source.port, ...mover };
    target = { host: stage.target.host, port: stage.target.port, ...mover };
    await stage.source.query("create role app_owner; create role somebody");
    await stage.source.query(`create database ${database}`);
    const schema = `
      create schema shop authorization app_owner;
      set role app_owner;
      create table shop.items (id serial primary key, v text);
      create table shop.emptied (id integer primary key);
      create table shop.events (id integer, day integer, primary key (id, day)) partition by list (day);
      create table shop.monday partition of shop.events for values in (1);
      create materialized view shop.days as select distinct day from shop.events;
      insert into shop.items (v) select md5(n::text) from generate_series(1, 1000) as n;
      insert into shop.emptied values (1);
      insert into shop.events values (1, 1);
      refresh materialized view shop.days;
    `;
    await stage.source.query(schema, { database });
    const privileges = await readmePrivileges();
    await stage.source.query(privileges.source);
    await stage.target.query(privileges.target);
  });

  /** The statements that docs/online.md gives, a text each side. */
  async function readmePrivileges(): Promise<{ source: string; target: string }> {
    const readme = await readFile(join(repositoryRoot, "docs/online.md"), "utf8");
    const found = /```sql\n-- on the source\n(.*?)-- on the target\n(.*?)```/s.exec(readme);
    const [source, target] = [found?.[1], found?.[2]].map((sql) => sql?.replace("'…'", `'${mover.password}'`));
    if (source === undefined || target === undefined) throw new Error("docs/online.md names no privileges");
    return { source, target };
  }

  /** A test that fails must not keep the database or a privilege from the next one. */
  afterEach(async () => {
    if (!hasEnded(await stage.client.get(started))) {
      await stage.client.cancel(started);
      await stage.client.waitForEnd(started);
    }
    const onSource = `
      alter role mover replication;
      grant create on database orders to mover;
      grant app_owner to mover;
      alter table shop.monday owner to app_owner;
    `;
    await stage.source.query(onSource, { database });
    await stage.target.query("alter role mover createdb; grant pg_create_subscription to mover");
  });

  let started = "";
  async function start(name: string, properties: Record<string, unknown> = {}): Promise<void> {
    started = name;
    const body = offlineMigration(source, target, [database], {
      migrationMode: "Online",
      sslMode: "Require",
      ...properties,
    });
    await stage.client.start(name, body);
  }

  test("migrate with what docs/online.md grants them, and are told of a conflict", { timeout: patience }, async () => {
    await start("least");
    await stage.client.waitForSubstate("least", "WaitingForCutoverTrigger", 120);
    const changes = `
      insert into shop.items (v) values ('inserted');
      update shop.items set v = 'updated' where id = 1;
      delete from shop.items where id = 2;
      truncate shop.emptied;
      insert into shop.events values (2, 1);
      refresh materialized view shop.days;
    `;
    await stage.source.query(changes, { database });
    await stage.client.waitFor("least", ({ properties }) => {
      const details = properties.currentStatus.currentSubStateDetails?.dbDetails?.[database];
      return [details?.cdcInsertCounter, details?.cdcUpdateCounter, details?.cdcDeleteCounter].every(
        (counter) => (counter ?? 0) > 0,
      );
    });

    await stage.target.query("insert into shop.items (id, v) values (5000, 'in the way')", { database });
    await stage.source.query("insert into shop.items (id, v) values (5000, 'wanted')", { database });
    expect(await samplesUntil(/does not get on/)).toBeLessThanOrEqual(2);
    await samplesUntil(/insert on shop\.items: duplicate key value violates unique constraint "items_pkey"/);
    await stage.target.query("delete from shop.items where id = 5000", { database });
    await stage.client.waitFor(
      "least",
      whenDatabase(database, ({ message, latency }) => !message.includes("does not get on") && latency < 5),
    );

    await stage.client.patch("least", { triggerCutover: "True" });
    await stage.client.waitForState("least", "Succeeded");
    expect(await stage.differences(database)).toEqual([]);
    const owner = "select tableowner as owner from pg_tables where tablename = 'items'";
    expect(await stage.target.query(owner, { database })).toEqual([{ owner: "app_owner" }]);
    expect(await replicationLeftovers(stage, [database])).toEqual([]);
    expect(await stage.secretsFound([mover.password])).toEqual([]);
  });

  /** How many samples have been recorded from now on until one's message is as wanted, that one included. */
  async function samplesUntil(wanted: RegExp): Promise<number> {
    const rows = TableClient.fromConnectionString(stage.azurite.connectionString, "MigrationDatabases", {
      allowInsecureConnection: true,
    });
    const seen = new Set<number>();
    const limit = Date.now() + 60_000;
    while (Date.now() < limit) {
      for await (const { partitionKey, sampledOn, message } of rows.listEntities<{
        sampledOn?: Date;
        message?: string;
      }>()) {
        if (partitionKey?.endsWith("least") !== true || sampledOn === undefined) continue;
        seen.add(sampledOn.getTime());
        // The first one that is seen was recorded before.
        if (wanted.test(message ?? "")) return seen.size - 1;
      }
      await delay(50);
    }
    throw new Error(`no sample said ${wanted}; there were ${seen.size}`);
  }

  test("are told where nobody listens for the target which setting that is; the password is in no log", {
    timeout: patience,
  }, async () => {
    await start("astray", throughProxy(oneSided, mover.user));
    const { state, error } = (await stage.client.waitForEnd("astray", { limitSeconds: 200 })).properties.currentStatus;
    expect(state).toBe("Failed");
    expect(error).toMatch(/Connection refused.*SOURCE_ADDRESSES_FROM_TARGET/s);
    expect(await replicationLeftovers(stage, [database])).toEqual([]);
    expect(await stage.secretsFound([mover.password])).toEqual([]);
  });

  let refused = 0;
  test.each([
    ["source", "alter role mover noreplication", 'ALTER ROLE "mover" REPLICATION;'],
    ["source", "revoke create on database orders from mover", 'GRANT CREATE ON DATABASE "orders" TO "mover";'],
    ["source", "alter table shop.monday owner to somebody", '"shop"."monday".*GRANT "somebody" TO "mover";'],
    ["source", "revoke app_owner from mover", '"shop"."items".*GRANT "app_owner" TO "mover";'],
    ["target", "alter role mover nocreatedb", "CREATEDB"],
    ["target", "revoke pg_create_subscription from mover", 'GRANT pg_create_subscription TO "mover";'],
  ] as const)(
    "on the %s are refused after %s, and told what to run",
    { timeout: patience },
    async (side, take, told) => {
      await stage[side].query(take, side === "source" ? { database } : {});
      await start(`refused-${++refused}`);
      const { state, error } = (await stage.client.waitForEnd(`refused-${refused}`)).properties.currentStatus;
      expect(state).toBe("Failed");
      expect(error).toMatch(new RegExp(told, "s"));
      expect(await replicationLeftovers(stage, [database])).toEqual([]);
    },
  );

  test("are told everything that they lack by the validation, and lack nothing when they have run it", {
    timeout: patience,
  }, async () => {
    const take = `
      alter role mover noreplication;
      revoke create on database orders from mover;
      revoke app_owner from mover;
      alter table shop.monday owner to somebody;
    `;
    await stage.source.query(take, { database });
    await stage.target.query("alter role mover nocreatedb; revoke pg_create_subscription from mover");
    await start("lacking", { migrationOption: "ValidateAndMigrate" });
    const { currentStatus } = (await stage.client.waitForEnd("lacking")).properties;
    expect(currentStatus.state).toBe("ValidationFailed");
    const told = JSON.stringify(currentStatus).replaceAll('\\"', '"');
    const grants = [...told.matchAll(/Run on the (source|target): ((?:(?:GRANT|ALTER ROLE) [^;]*; ?)+)/g)];
    expect(grants.map(([, , statements]) => statements?.trim())).toEqual(
      expect.arrayContaining([
        'ALTER ROLE "mover" REPLICATION;',
        'GRANT CREATE ON DATABASE "orders" TO "mover";',
        'GRANT "app_owner" TO "mover";',
        'GRANT "somebody" TO "mover";',
        'ALTER ROLE "mover" CREATEDB;',
        'GRANT pg_create_subscription TO "mover";',
      ]),
    );
    for (const [, side, statements = ""] of grants) {
      await stage[side === "source" ? "source" : "target"].query(statements, side === "source" ? { database } : {});
    }
    await start("mended", { migrationOption: "Validate" });
    await stage.client.waitForState("mended", "Succeeded");
    expect(await replicationLeftovers(stage, [database])).toEqual([]);
  });
});
