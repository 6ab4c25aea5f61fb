import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EmbeddedServer } from "../../local/embedded-server.js";
import { settings } from "../../shared/settings.js";
import { loadDatabaseRules, loadServerRules } from "../../shared/validation/load-rules.js";
import { type Rule, type RuleFinding, stateOf } from "../../shared/validation/rule.js";
import { type CheckOptions, RuleBench } from "../fixtures/rule-bench.js";

/** An old source and a new target, both entered by users that are no superusers. */
let bench: RuleBench;
let source: EmbeddedServer;
let target: EmbeddedServer;
const writer = { user: 'the "writer"', password: "writer-password" };

beforeAll(async () => {
  const settings = { max_prepared_transactions: "5", timezone: "UTC" };
  bench = await RuleBench.start({ major: 12, settings }, { major: 17, settings });
  ({ source, target } = bench);
  await target.query(`create role "the ""writer""" login createdb password '${writer.password}'`);
  await source.query("create database shop");
  await source.query(
    "create table orders (id integer primary key, note text); create schema hidden; create table hidden.plans (id serial primary key)",
    { database: "shop" },
  );
});
afterAll(() => bench?.stop());

async function ruleOf(id: string): Promise<Rule> {
  const rule = [...(await loadServerRules()), ...(await loadDatabaseRules())].find((one) => one.id === id);
  if (rule === undefined) throw new Error(`no rule ${id}`);
  return rule;
}

async function check(id: string, options: Partial<CheckOptions> = {}): Promise<readonly RuleFinding[]> {
  return await bench.check(await ruleOf(id), {
    database: "shop",
    overwriteDbsInTarget: true,
    sourceUser: "ordinary",
    targetUser: writer,
    ...options,
  });
}

const asSuperuser = { sourceUser: "superuser" } as const;

/** Executes what the message tells to run. */
const repair = (message: string) => bench.correct({ message }, "shop");

function only(findings: readonly RuleFinding[], state: RuleFinding["state"]): string {
  const [finding, ...others] = findings.filter((one) => one.state === state);
  expect(others).toEqual([]);
  expect(finding?.message, JSON.stringify(findings)).toBeDefined();
  return finding?.message ?? "";
}

describe("servers-reachable", () => {
  test("tells of both sessions", async () => {
    const findings = await check("servers-reachable");
    expect(stateOf(findings)).toBe("Succeeded");
    expect(findings[0]?.message).toContain(`${source.host}:${source.port} reached as mover, without TLS`);
  });

  test("a wrong password and a dead server are both told, with what to do", async () => {
    const findings = await check("servers-reachable", {
      sourceUser: { user: "mover", password: "wrong" },
      targetUser: { user: "nobody", password: "x" },
    });
    expect(findings.map(({ state }) => state)).toEqual(["Failed", "Failed"]);
    expect(findings[0]?.message).toContain("Check user mover, its password");
    expect(findings[1]?.message).toContain("Check user nobody");
  });
});

describe("server-versions", () => {
  test("12 goes into 17", async () => {
    expect(only(await check("server-versions"), "Succeeded")).toBe("Source PostgreSQL 12, target PostgreSQL 17.");
  });

  test("17 does not go into 12", async () => {
    const backwards = new RuleBench(target, source);
    const findings = await backwards.check(await ruleOf("server-versions"), { database: "postgres" });
    expect(only(findings, "Failed")).toContain("The target is PostgreSQL 12, older than the source (17)");
  });
});

describe("target-privileges", () => {
  test("a user that may create databases passes; one that may not is told the ALTER ROLE", async () => {
    expect(await check("target-privileges")).toEqual([]);
    await target.query(`alter role "the ""writer""" nocreatedb`);
    const message = only(await check("target-privileges"), "Failed");
    expect(message).toContain('ALTER ROLE "the ""writer""" CREATEDB;');
    await repair(message);
    expect(await check("target-privileges")).toEqual([]);
  });

  test("creating roles is needed only for migrateRoles", async () => {
    const message = only(await check("target-privileges", { migrateRoles: true }), "Failed");
    expect(message).toContain("CREATEROLE");
    await repair(message);
    expect(await check("target-privileges", { migrateRoles: true })).toEqual([]);
  });

  test("a database of somebody else can only be replaced as its owner", async () => {
    await target.query("create role somebody");
    await target.query("create database shop owner somebody");
    expect(await check("target-privileges", { overwriteDbsInTarget: false })).toEqual([]);
    const message = only(await check("target-privileges"), "Failed");
    expect(message).toContain("database shop, which belongs to somebody");
    await repair(message);
    expect(await check("target-privileges")).toEqual([]);
    await target.query("drop database shop");
  });
});

test("target-writable: a user whose transactions are read-only is told the ALTER ROLE", async () => {
  expect(await check("target-writable")).toEqual([]);
  await target.query("alter system set default_transaction_read_only = on");
  await target.query("select pg_reload_conf()");
  await expect.poll(async () => stateOf(await check("target-writable"))).toBe("Failed");
  await repair(only(await check("target-writable"), "Failed"));
  expect(await check("target-writable")).toEqual([]);
  const client = await target.connect();
  await client.query("alter system reset default_transaction_read_only");
  await client.query("select pg_reload_conf()");
  await client.end();
});

describe("free-connections", () => {
  test("the sessions that the parallelism needs are counted against those that are free", async () => {
    const findings = await check("free-connections");
    expect(findings.map(({ state }) => state)).toEqual(["Succeeded", "Succeeded"]);
    expect(findings[0]?.message).toMatch(/^The source has \d+ free connections, the migration may open 6\.$/);
    const many = Array.from({ length: 40 }, (_, index) => `db${index}`);
    const message = only(
      (await check("free-connections", { databases: many })).filter(({ message: one }) => one.startsWith("The source")),
      "Failed",
    );
    expect(message).toContain(`may open ${40 * (settings().maxParallelCopies + 2)}`);
    expect(message).toMatch(/raise the server parameter max_connections by \d+/);
  });

  test("the role's own limit counts too", async () => {
    await target.query(`alter role "the ""writer""" connection limit 3`);
    const message = only(await check("free-connections"), "Failed");
    expect(message).toContain('Role the "writer" may open 3 more sessions on the target');
    await repair(message);
    expect(stateOf(await check("free-connections"))).toBe("Succeeded");
  });
});

describe("password-hashes", () => {
  test("a role with an MD5 password is named; a new SCRAM one makes it pass", async () => {
    await source.query("set password_encryption = 'md5'; create role \"Old Timer\" login password 'kept as md5'");
    const findings = await check("password-hashes", asSuperuser);
    const message = only(findings, "Warning");
    expect(message).toContain("The passwords of Old Timer are MD5");
    const sql = /SET password_encryption.*;/.exec(message)?.[0] ?? "";
    await source.query(sql);
    expect(await check("password-hashes", asSuperuser)).toEqual([]);
  });

  test("who may not see hashes is told so", async () => {
    expect(only(await check("password-hashes"), "Succeeded")).toContain("cannot be seen");
  });
});

describe("differing-parameters", () => {
  test("each parameter that differs is named with both values; set on the target, it passes", async () => {
    expect(await check("differing-parameters")).toEqual([]);
    await source.query("alter system set timezone = 'Europe/Berlin'");
    await source.query("alter system set search_path = '$user', app, public");
    await source.query("alter system set statement_timeout = '90s'");
    await source.query("select pg_reload_conf()");
    await expect.poll(async () => (await check("differing-parameters")).length).toBe(3);
    const findings = await check("differing-parameters");
    expect(findings.map(({ state }) => state)).toEqual(["Warning", "Warning", "Warning"]);
    expect(findings.map(({ message }) => message).join("\n")).toContain(
      "timezone is Europe/Berlin on the source and UTC on the target",
    );
    for (const { message } of findings) await repair(message);
    await expect.poll(async () => await check("differing-parameters")).toEqual([]);
    for (const server of [source, target]) {
      for (const parameter of ["search_path", "statement_timeout"])
        await server.query(`alter system reset ${parameter}`);
      await server.query("select pg_reload_conf()");
    }
  });
});

test("storage-size and estimated-duration: figures for small databases, warnings for what is large or late", async () => {
  expect(only(await check("storage-size"), "Succeeded")).toMatch(/needs [\d.]+ MB of free storage/);
  expect(only(await check("estimated-duration"), "Succeeded")).toMatch(/in 4 streams take about \d+ seconds/);
  await source.query("insert into orders select n, repeat(md5(n::text), 20) from generate_series(1, 100000) as n", {
    database: "shop",
  });
  expect(only(await check("storage-size"), "Warning")).toMatch(
    /have [\d.]+ MB on the source: the target needs [\d.]+ MB/,
  );
  const window = {
    migrationWindowStartTimeInUtc: "2030-01-01T00:00:00.000Z",
    migrationWindowEndTimeInUtc: "2030-01-01T00:00:00.500Z",
  };
  expect(only(await check("estimated-duration", window), "Warning")).toContain("longer than the window");
  await source.query("truncate orders", { database: "shop" });
});

describe("online", () => {
  const toBeSetUp = { setupLogicalReplicationOnSourceDbIfNeeded: true };

  test("no rule of these is checked for an offline migration", async () => {
    const ids = ["wal-level", "replication-slots", "wal-senders", "replication-workers", "replication-privilege"];
    for (const id of [...ids, "blocking-transactions", "publication-privilege"]) {
      expect((await ruleOf(id)).modes).toEqual(["Online"]);
    }
  });

  test("wal-level: set as told and restarted, the source passes", async () => {
    const message = only(await check("wal-level"), "Failed");
    expect(message).toContain("is replica");
    expect(only(await check("wal-level", toBeSetUp), "Warning")).toContain("The migration will set it");
    await repair(message);
    await source.restart();
    expect(await check("wal-level")).toEqual([]);
  });

  test("replication-slots and wal-senders: too few of them are counted and their parameter named", async () => {
    for (const [id, parameter] of [
      ["replication-slots", "max_replication_slots"],
      ["wal-senders", "max_wal_senders"],
    ] as const) {
      expect(only(await check(id), "Succeeded")).toContain("has 10 free");
      await source.query(`alter system set ${parameter} = 1`);
      await source.restart();
      const options = { databases: ["shop", "other"] };
      const message = only(await check(id, options), "Failed");
      expect(message).toContain(`${parameter} to at least 2`);
      expect(only(await check(id, { ...toBeSetUp, ...options }), "Warning")).toContain("will set it");
      await repair(message);
      await source.restart();
      expect(stateOf(await check(id, options))).toBe("Succeeded");
      await source.query(`alter system reset ${parameter}`);
      await source.restart();
    }
  });

  test("replication-workers: each limit of the target is named", async () => {
    expect(stateOf(await check("replication-workers"))).toBe("Succeeded");
    const eight = { databases: [..."abcdefgh"] };
    const findings = (await check("replication-workers", eight)).filter(({ state }) => state === "Failed");
    expect(findings.map(({ message }) => /\((\w+) is/.exec(message)?.[1])).toEqual([
      "max_logical_replication_workers",
      "max_worker_processes",
    ]);
    for (const { message } of findings) await repair(message);
    await target.restart();
    expect(stateOf(await check("replication-workers", eight))).toBe("Succeeded");
  });

  test("replication-privilege: the ALTER ROLE makes it pass", async () => {
    const message = only(await check("replication-privilege"), "Failed");
    expect(message).toContain("mover may not create replication slots");
    await repair(message);
    expect(await check("replication-privilege")).toEqual([]);
  });

  test("blocking-transactions: a prepared and a long transaction are named, and can be ended as told", async () => {
    expect(await check("blocking-transactions", asSuperuser)).toEqual([]);
    const application = await source.connect("shop");
    await application.query("begin; insert into orders values (1); prepare transaction 'it''s two-phase'");
    const prepared = only(await check("blocking-transactions", asSuperuser), "Failed");
    expect(prepared).toContain("'it''s two-phase' of postgres in database shop");
    await repair(prepared);
    await application.query("begin; insert into orders values (2, 'left open')");
    await new Promise((resolve) => setTimeout(resolve, 10_500));
    const long = only(await check("blocking-transactions", asSuperuser), "Warning");
    expect(long).toContain("insert into orders values (2, 'left open')");
    expect(only(await check("blocking-transactions"), "Succeeded")).toContain("members of pg_monitor can");
    await repair(long);
    await expect.poll(async () => await check("blocking-transactions", asSuperuser)).toEqual([]);
    await application.end().catch(() => {});
  });

  test("publication-privilege: CREATE on the database and the tables' owner", async () => {
    const findings = (await check("publication-privilege")).map(({ message }) => message);
    expect(findings[0]).toContain("may not create a publication in database shop");
    expect(findings[1]).toContain('may not publish "hidden"."plans", "public"."orders", owned by postgres');
    await source.query("create role team; alter table orders owner to team; alter table hidden.plans owner to team", {
      database: "shop",
    });
    for (const { message } of await check("publication-privilege")) await repair(message);
    expect(await check("publication-privilege")).toEqual([]);
    await source.query("revoke team from mover");
  });
});

describe("readable-tables", () => {
  test("schemas, tables, sequences and large objects that the source user may not read are named", async () => {
    await source.query("select lo_from_bytea(0, 'x')", { database: "shop" });
    const findings = await check("readable-tables");
    expect(findings.map(({ state }) => state)).toEqual(["Failed", "Failed", "Failed", "Failed"]);
    const messages = findings.map(({ message }) => message);
    expect(messages[0]).toContain("may not look into schema hidden");
    expect(messages[1]).toContain('may not read tables "hidden"."plans", "public"."orders"');
    expect(messages[2]).toContain('may not read sequences "hidden"."plans_id_seq"');
    expect(messages[3]).toContain("may not read 1 large objects of database shop");
    for (const message of messages) await repair(message);
    expect(await check("readable-tables")).toEqual([]);
  });
});

test("lock-capacity: a lock table that is too small for the tables is told with the size it needs", async () => {
  expect(await check("lock-capacity")).toEqual([]);
  await source.query("alter system set max_locks_per_transaction = 10");
  await source.restart();
  await source.query(
    "do $$ begin for i in 1..1000 loop execute format('create table many_%s ()', i); if i % 200 = 0 then commit; end if; end loop; end $$",
    { database: "shop" },
  );
  const message = only(await check("lock-capacity"), "Warning");
  expect(message).toContain("1002 tables");
  await repair(message);
  await source.restart();
  expect(await check("lock-capacity")).toEqual([]);
});
