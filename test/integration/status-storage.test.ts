import { randomBytes, randomUUID } from "node:crypto";
import { QueueClient } from "@azure/storage-queue";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Azurite, startAzurite } from "../../local/azurite.js";
import type { MigrationSpec } from "../../shared/model/migration.js";
import { migrationKey } from "../../shared/model/migration.js";
import { claimDatabases, releaseClaims } from "../../shared/status/claims.js";
import {
  getDatabase,
  isCancelRequested,
  listDatabases,
  queueDatabases,
  recordDatabase,
  requestDatabaseCancel,
} from "../../shared/status/databases.js";
import {
  getMigration,
  insertMigration,
  listMigrations,
  type NewMigration,
  recordTransition,
  specOf,
  updateMigration,
} from "../../shared/status/migrations.js";
import { deleteSecrets, loadSecrets, replaceSecrets, saveSecrets } from "../../shared/status/secrets.js";
import { getRow, mergeRow } from "../../shared/status/storage.js";
import { clearParts, listParts, type PartPatch, recordParts } from "../../shared/status/tables.js";
import { listValidations, recordValidations } from "../../shared/status/validations.js";

let azurite: Azurite;

beforeAll(async () => {
  azurite = await startAzurite();
  process.env.AzureWebJobsStorage = azurite.connectionString;
  process.env.SECRETS_KEY = randomBytes(32).toString("base64");
});
afterAll(() => azurite.stop());

const hostileNames = [
  `quote's "double" %25 100%`,
  "slash/back\\slash#hash?question|bar.dot",
  "new\nline\ttab\u0001\u0085",
  "emoji 🐘 ünïcödé Ω",
  "x".repeat(63),
  " leading and trailing ",
  "a&b=c+d;e,f{g}[h]<i>$j~k`l^m(n)*o!p@q:r",
];

let migrations = 0;
function newMigration(changes: Partial<MigrationSpec> = {}): NewMigration {
  const name = changes.name ?? `m${++migrations}`;
  const server = changes.server ?? "Target-Server";
  const spec: MigrationSpec = {
    key: migrationKey(server, name),
    subscriptionId: "11111111-1111-1111-1111-111111111111",
    resourceGroup: "Group",
    server,
    name,
    mode: "Offline",
    option: "Migrate",
    source: { host: "old.example.com", port: 5432, user: "reader", sslMode: "Prefer" },
    target: { host: `${server}.example.com`, port: 6432, user: "writer", sslMode: "Prefer" },
    databases: ["shop", "with,comma"],
    overwriteDbsInTarget: true,
    migrateRoles: false,
    setupLogicalReplicationOnSourceDbIfNeeded: false,
    startDataMigration: true,
    ...changes,
  };
  return {
    spec,
    migrationId: "22222222-2222-2222-2222-222222222222",
    requestFingerprint: "",
    location: "local",
    tags: { team: "data" },
    sourceType: "OnPremises",
    sourceDbServerResourceId: undefined,
    sourceDbServerFullyQualifiedDomainName: undefined,
    targetDbServerFullyQualifiedDomainName: undefined,
  };
}

async function inserted(changes: Partial<MigrationSpec> = {}): Promise<string> {
  const migration = newMigration(changes);
  expect(await insertMigration(migration)).toBe(true);
  return migration.spec.key;
}

async function drainEvents(): Promise<{ id: string; data: { state: string; substate?: string } }[]> {
  const client = new QueueClient(azurite.connectionString, "migration-events");
  const events = [];
  for (;;) {
    const { receivedMessageItems } = await client.receiveMessages({ numberOfMessages: 32 });
    if (receivedMessageItems.length === 0) return events;
    for (const item of receivedMessageItems) {
      events.push(JSON.parse(Buffer.from(item.messageText, "base64").toString("utf8")));
      await client.deleteMessage(item.messageId, item.popReceipt);
    }
  }
}

describe("a migration's row", () => {
  it("gives back the spec that it was created with", async () => {
    const migration = newMigration({ migrationWindowStartTimeInUtc: "2030-01-01T00:00:00.000Z" });
    await insertMigration(migration);
    const row = await getMigration(migration.spec.key);
    expect(row && specOf(row)).toEqual(migration.spec);
  });

  it("is created once: of several at the same time one wins, and a name is the same in any case", async () => {
    const outcomes = await Promise.all(
      ["once", "ONCE", "Once"].map((name) => insertMigration(newMigration({ name, databases: [name] }))),
    );
    expect(outcomes.filter(Boolean)).toHaveLength(1);
  });

  it("is listed under its server, and as active only until it ends", async () => {
    const server = "listed-server";
    await inserted({ server, name: "running" });
    const ended = await inserted({ server, name: "over" });
    await recordTransition(ended, { sequence: 1, state: "Succeeded", substate: "Completed" });
    expect((await listMigrations("LISTED-server")).map((row) => row.name)).toEqual(["over", "running"]);
    expect((await listMigrations(server, { active: true })).map((row) => row.name)).toEqual(["running"]);
  });

  it("is not changed by an update that expects another ETag", async () => {
    const key = await inserted();
    const before = await getMigration(key);
    expect(await updateMigration(key, { migrateRoles: true }, before?.etag)).toBe(true);
    expect(await updateMigration(key, { migrateRoles: false }, before?.etag)).toBe(false);
    expect((await getMigration(key))?.migrateRoles).toBe(true);
  });
});

describe("a transition", () => {
  it("is recorded and announced once, however often and late it is repeated", async () => {
    const key = await inserted();
    await drainEvents();
    const first = { sequence: 1, state: "InProgress", substate: "PerformingPreRequisiteSteps" } as const;
    const second = { sequence: 2, state: "InProgress", substate: "MigratingData" } as const;
    const last = { sequence: 3, state: "Failed", error: "table public.orders: disk full" } as const;
    await recordTransition(key, first);
    await recordTransition(key, second);
    await recordTransition(key, first);
    await recordTransition(key, last);
    await recordTransition(key, second);
    const row = await getMigration(key);
    expect(row).toMatchObject({ state: "Failed", transition: 3, error: "table public.orders: disk full" });
    expect(row?.substate).toBeUndefined();
    expect(row?.startedOn).toBeDefined();
    expect(row?.endedOn).toBeDefined();
    const events = await drainEvents();
    expect(events.map((event) => event.id)).toEqual([1, 2, 3].map((sequence) => `${row?.migrationId}/${sequence}`));
    expect(events[1]).toMatchObject({
      specversion: "1.0",
      type: "com.postgres-migration.migration.state",
      datacontenttype: "application/json",
      data: { state: "InProgress", substate: "MigratingData" },
    });
  });

  it("survives two runners at the same time: the highest sequence stays, and no event is lost", async () => {
    const key = await inserted();
    await drainEvents();
    const substates = ["PerformingPreRequisiteSteps", "MigratingData", "CompletingMigration"] as const;
    await Promise.all(
      [0, 1, 2, 0, 1, 2].map((step) =>
        recordTransition(key, { sequence: step + 1, state: "InProgress", substate: substates[step] }),
      ),
    );
    const row = await getMigration(key);
    expect(row).toMatchObject({ transition: 3, substate: "CompletingMigration" });
    expect((await drainEvents()).map((event) => event.id)).toContain(`${row?.migrationId}/3`);
  });
});

describe("databases", () => {
  it("keep every name apart and what was recorded earlier", async () => {
    const key = await inserted();
    await queueDatabases(key, hostileNames);
    await Promise.all(hostileNames.map((name, index) => recordDatabase(key, name, { bytesTotal: 5e12 + index })));
    await Promise.all(hostileNames.map((name) => recordDatabase(key, name, { state: "InProgress", tablesQueued: 3 })));
    await queueDatabases(key, hostileNames);
    const rows = await listDatabases(key);
    expect(rows.map((row) => row.database).sort()).toEqual([...hostileNames].sort());
    for (const [index, name] of hostileNames.entries()) {
      expect(await getDatabase(key, name)).toMatchObject({
        state: "InProgress",
        tablesQueued: 3,
        bytesTotal: 5e12 + index,
      });
    }
  });

  it("are cancelled one by one", async () => {
    const key = await inserted();
    await queueDatabases(key, hostileNames);
    const [first = "", second = ""] = hostileNames;
    await requestDatabaseCancel(key, [first]);
    await recordDatabase(key, first, { bytesCopied: 1 });
    expect(await isCancelRequested(key, first)).toBe(true);
    expect(await isCancelRequested(key, second)).toBe(false);
    expect(await isCancelRequested(key, "never seen")).toBe(false);
  });
});

describe("parts", () => {
  async function collect(key: string, database?: string) {
    const parts = [];
    for await (const part of listParts(key, { database })) parts.push(part);
    return parts;
  }

  it("are one row each, by the hundreds, and merge what is recorded later", async () => {
    const key = await inserted();
    const parts: PartPatch[] = Array.from({ length: 1_234 }, (_, index) => ({
      database: "shop",
      schemaName: "public",
      tableName: `t${index % 617}`,
      part: 1 + Math.floor(index / 617),
      parts: 2,
      state: "queued",
      bytesEstimated: 3e10,
    }));
    await recordParts(key, parts);
    await recordParts(key, [
      { ...identity("shop", "public", "t5", 2), state: "loading", instance: "worker:1", rows: 4e9 },
    ]);
    const rows = await collect(key);
    expect(rows).toHaveLength(1_234);
    expect(rows.find((row) => row.tableName === "t5" && row.part === 2)).toMatchObject({
      state: "loading",
      instance: "worker:1",
      rows: 4e9,
      bytesEstimated: 3e10,
    });
  });

  it("of hostile names are kept apart, listed and cleared a database at a time", async () => {
    const key = await inserted();
    const databases = [...hostileNames, "shop", "shop|public", "shop}"];
    await recordParts(
      key,
      databases.flatMap((database) =>
        hostileNames.flatMap((name) => [
          { ...identity(database, name, "a.b", 1), state: "queued" as const },
          { ...identity(database, `${name}.a`, "b", 1), state: "queued" as const },
        ]),
      ),
    );
    for (const database of databases) {
      const rows = await collect(key, database);
      expect(rows.every((row) => row.database === database)).toBe(true);
      expect(rows).toHaveLength(2 * hostileNames.length);
    }
    await clearParts(key, "shop");
    expect(await collect(key, "shop")).toEqual([]);
    expect(await collect(key)).toHaveLength((databases.length - 1) * 2 * hostileNames.length);
  });

  function identity(database: string, schemaName: string, tableName: string, part: number) {
    return { database, schemaName, tableName, part };
  }
});

describe("validations", () => {
  it("are one row a rule and scope, with all their messages", async () => {
    const key = await inserted();
    const message = { state: "Warning", message: `table "a'b"\nhas no primary key` } as const;
    const [database = ""] = hostileNames;
    const common = { title: undefined, durationMs: 12, startedOn: undefined, endedOn: undefined };
    await recordValidations(key, [
      { ...common, level: "server", database: undefined, rule: "versions", state: "Succeeded", messages: [] },
      {
        ...common,
        level: "database",
        database,
        rule: "replica-identity",
        state: "Warning",
        messages: [message, message],
      },
    ]);
    const rows = await listValidations(key);
    expect(rows.map(({ level, rule, database: of }) => [level, of, rule])).toEqual([
      ["database", database, "replica-identity"],
      ["server", undefined, "versions"],
    ]);
    expect(rows[0]?.messages).toEqual([message, message]);
  });
});

describe("claims", () => {
  it("give a target database to one of two migrations that ask at the same time, and the other gets none at all", async () => {
    for (let round = 0; round < 10; round++) {
      // In opposite order: were they taken one by one, each would get its first.
      const rivals = [["one", "two"] as const, ["two", "one"] as const].map(
        (databases) => newMigration({ databases: [...databases] }).spec,
      );
      const outcomes = await Promise.all(rivals.map((spec) => claimDatabases(spec)));
      expect(outcomes.filter((conflict) => conflict === undefined)).toHaveLength(1);
      const winner = rivals[outcomes.indexOf(undefined)];
      expect(outcomes.find((conflict) => conflict !== undefined)).toMatchObject({ migration: winner?.name });
      if (winner) await releaseClaims(winner.key);
      expect(await claimDatabases(newMigration({ name: "after", databases: ["one", "two"] }).spec)).toBeUndefined();
      await releaseClaims(migrationKey("Target-Server", "after"));
    }
  });

  it("are all or none, the same for the same migration, and free again when released or when their migration has ended", async () => {
    const first = newMigration({ databases: ["c1", "c2"] });
    const second = newMigration({ databases: ["c2", "c3"] });
    await insertMigration(first);
    expect(await claimDatabases(first.spec)).toBeUndefined();
    expect(await claimDatabases(first.spec)).toBeUndefined();
    expect(await claimDatabases(second.spec)).toMatchObject({ database: "c2", migration: first.spec.name });
    expect(await claimDatabases(newMigration({ databases: ["c3"] }).spec)).toBeUndefined();
    await releaseClaims(first.spec.key, { target: first.spec.target, databases: ["c2"] });
    expect(await claimDatabases(newMigration({ databases: ["c1"] }).spec)).toMatchObject({ database: "c1" });
    await recordTransition(first.spec.key, { sequence: 1, state: "Canceled" });
    const third = newMigration({ databases: ["c1", "c2"] });
    expect(await claimDatabases(third.spec)).toBeUndefined();
    await releaseClaims(first.spec.key);
    expect(await claimDatabases(newMigration({ databases: ["c1"] }).spec)).toMatchObject({
      migration: third.spec.name,
    });
  });

  it("do not cross targets", async () => {
    const here = newMigration({ server: "here", databases: hostileNames }).spec;
    const there = newMigration({ server: "there", databases: hostileNames }).spec;
    expect(await claimDatabases(here)).toBeUndefined();
    expect(await claimDatabases(there)).toBeUndefined();
  });
});

describe("secrets", () => {
  it("are stored sealed, read back, and gone when deleted", async () => {
    const migration = newMigration();
    const passwords = { source: "s0urce 🐘 'pw'", target: "" };
    await saveSecrets(migration.spec, migration.migrationId, passwords);
    await insertMigration(migration);
    expect(await loadSecrets(migration.spec.key)).toEqual(passwords);
    const others = { source: "new", target: "newer" };
    expect(await replaceSecrets(migration.spec, migration.migrationId, others)).toBe(true);
    expect(await loadSecrets(migration.spec.key)).toEqual(others);
    await deleteSecrets(migration.spec.key);
    await expect(loadSecrets(migration.spec.key)).rejects.toMatchObject({ code: "SecretsMissing" });
    // A PATCH that comes while the migration is ending leaves nothing behind.
    expect(await replaceSecrets(migration.spec, migration.migrationId, others)).toBe(false);
    await expect(loadSecrets(migration.spec.key)).rejects.toMatchObject({ code: "SecretsMissing" });
  });

  /** What somebody who writes to the storage account could do with the passwords. */
  const tampering: Record<string, (one: NewMigration, other: NewMigration) => Promise<void>> = {
    "the two exchanged": async ({ spec, migrationId }) => {
      const row = await getRow("MigrationSecrets", spec.key, migrationId);
      await mergeRow("MigrationSecrets", spec.key, migrationId, {
        sourcePassword: String(row?.targetPassword),
        targetPassword: String(row?.sourcePassword),
      });
    },
    "another migration's": async ({ spec, migrationId }, other) => {
      const row = await getRow("MigrationSecrets", other.spec.key, other.migrationId);
      await mergeRow("MigrationSecrets", spec.key, migrationId, {
        sourcePassword: String(row?.sourcePassword),
        targetPassword: String(row?.targetPassword),
      });
    },
    ...Object.fromEntries(
      Object.entries({
        sourceHost: "198.51.100.1",
        sourcePort: 6543,
        sourceUser: "somebody",
        sslMode: "Require",
        targetHost: "198.51.100.1",
        targetPort: 6543,
        targetUser: "somebody",
        targetSslMode: "Require",
      }).map(([column, value]) => [
        `${column} edited`,
        async ({ spec }: NewMigration) => {
          const [server = "", name = ""] = spec.key.split("_");
          await mergeRow("Migrations", server, name, { [column]: value });
        },
      ]),
    ),
  };

  it.each(Object.entries(tampering))("are sent nowhere after %s", async (_, tamper) => {
    const [one, other] = [newMigration(), newMigration({ name: `other-${randomUUID()}` })];
    for (const { spec, migrationId, ...rest } of [one, other]) {
      await saveSecrets(spec, migrationId, { source: "source pw", target: "target pw" });
      await insertMigration({ spec, migrationId, ...rest });
    }
    expect(await loadSecrets(one.spec.key)).toEqual({ source: "source pw", target: "target pw" });
    await tamper(one, other);
    await expect(loadSecrets(one.spec.key)).rejects.toMatchObject({
      code: "SecretsDamaged",
      message: expect.stringMatching(/password of the (source|target) does not belong to user/),
    });
  });
});
