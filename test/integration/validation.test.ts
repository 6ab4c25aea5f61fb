import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { offlineMigration } from "../../local/migration-client.js";
import { migrationKey } from "../../shared/model/migration.js";
import { listValidations, type ValidationRow } from "../../shared/status/validations.js";
import { loadDatabaseRules, loadServerRules } from "../../shared/validation/load-rules.js";
import { stateOfServer } from "../fixtures/server-state.js";
import { Stage } from "../fixtures/stage.js";

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open({
    source: { settings: { autovacuum: "off" } },
    target: { settings: { autovacuum: "off" } },
  });
  process.env.AzureWebJobsStorage = stage.azurite.connectionString;
  await stage.source.query("create database shop");
  await stage.source.query(
    "create table orders (id integer primary key); insert into orders select generate_series(1, 100)",
    {
      database: "shop",
    },
  );
});
afterAll(() => stage?.close());

interface Details {
  status?: string;
  validationStartTimeInUtc?: string;
  validationEndTimeInUtc?: string;
  serverLevelValidationDetails: { type: string; state: string; messages: { state: string; message: string }[] }[];
  dbLevelValidationDetails: {
    databaseName: string;
    startedOn: string;
    endedOn: string;
    summary: Details["serverLevelValidationDetails"];
  }[];
}

async function validate(name: string, databases: string[], properties: Record<string, unknown> = {}) {
  await stage.client.start(
    name,
    offlineMigration(stage.source, stage.target, databases, { migrationOption: "Validate", ...properties }),
  );
  const { properties: ended } = await stage.client.waitForEnd(name);
  const details = (ended.currentStatus.currentSubStateDetails as { validationDetails?: Details }).validationDetails;
  return { ...ended.currentStatus, details };
}

async function validationRows(name: string): Promise<ValidationRow[]> {
  return await listValidations(migrationKey("target", name));
}

function messagesOf(details: Details | undefined, state: string): string[] {
  const items = [
    ...(details?.serverLevelValidationDetails ?? []),
    ...(details?.dbLevelValidationDetails ?? []).flatMap(({ summary }) => summary),
  ];
  return items.flatMap(({ messages }) => messages.filter((one) => one.state === state).map(({ message }) => message));
}

async function waitUntilIdle(): Promise<void> {
  await expect.poll(async () => await stage.sessions(), { timeout: 20_000 }).toEqual([]);
}

describe("option Validate", () => {
  test("of a database that can be migrated succeeds, with a row a rule and its duration", async () => {
    const { state, details } = await validate("fine", ["shop"]);
    expect(state).toBe("Succeeded");
    expect(messagesOf(details, "Failed")).toEqual([]);
    expect(details?.status).toMatch(/^(Succeeded|Warning)$/);
    const rows = await validationRows("fine");
    const rules = [...(await loadServerRules()), ...(await loadDatabaseRules())];
    const offline = rules.filter(({ modes }) => modes.includes("Offline")).map(({ id }) => id);
    expect(rows.map(({ rule }) => rule).sort()).toEqual(offline.sort());
    expect(rows.every(({ durationMs }) => durationMs >= 0 && durationMs < 60_000)).toBe(true);
  });

  test("leaves both servers as they were: statistics, locks, settings, schemas, databases", async () => {
    await waitUntilIdle();
    const states = async () => [
      await stateOfServer(stage.source, ["shop", "postgres"]),
      await stateOfServer(stage.target, ["postgres"]),
    ];
    await states();
    const before = await states();
    await validate("unseen", ["shop"]);
    await waitUntilIdle();
    expect(await states()).toEqual(before);
  });

  test("blocks no writer, and is done while a writer holds its lock", async () => {
    const writer = await stage.source.connect("shop");
    await writer.query("begin; lock table orders in exclusive mode; insert into orders values (1000)");
    const { state } = await validate("beside", ["shop"]);
    await writer.query("rollback");
    await writer.end();
    expect(state).toBe("Succeeded");
  });

  test("of a missing database ends ValidationFailed and says which", async () => {
    const { state, error, details } = await validate("missing", ["shop", "shopp"]);
    expect(state).toBe("ValidationFailed");
    expect(error).toContain("1 rule of database shopp");
    expect(details?.dbLevelValidationDetails.map(({ databaseName }) => databaseName).sort()).toEqual(["shop", "shopp"]);
    expect(messagesOf(details, "Failed")).toEqual([expect.stringContaining("has no database shopp.")]);
  });

  test("of a server that is not there says so once, and not for every rule", async () => {
    const { state, details } = await validate("deaf", ["shop"], {
      targetDbServerFullyQualifiedDomainName: "127.0.0.1:1",
    });
    expect(state).toBe("ValidationFailed");
    const failed = messagesOf(details, "Failed");
    expect(failed.length).toBeLessThanOrEqual(2);
    for (const message of failed) expect(message).toContain("127.0.0.1:1");
  });

  test("checks eight databases side by side, one of them with 5,000 tables, in less than 30 s", async () => {
    const databases = Array.from({ length: 8 }, (_, index) => `eight_${index}`);
    for (const database of databases) await stage.source.query(`create database ${database}`);
    const createTables =
      "do $$ begin for i in 1..500 loop execute format('create table t%s_%s (id integer primary key)', $1, i); end loop; end $$";
    for (let round = 0; round < 10; round++) {
      await stage.source.query(createTables.replace("$1", String(round)), { database: "eight_0" });
    }
    const { state, details } = await validate("eight", databases);
    expect(state).toBe("Succeeded");
    const spans = (details?.dbLevelValidationDetails ?? []).map(({ startedOn, endedOn }) => ({
      start: new Date(startedOn).getTime(),
      end: new Date(endedOn).getTime(),
    }));
    expect(spans).toHaveLength(8);
    expect(Math.max(...spans.map(({ start }) => start))).toBeLessThan(Math.max(...spans.map(({ end }) => end)));
    const start = new Date(details?.validationStartTimeInUtc ?? 0).getTime();
    const end = new Date(details?.validationEndTimeInUtc ?? 0).getTime();
    expect(end - start).toBeLessThan(30_000);
    const atOnce = (at: number) => spans.filter(({ start: from, end: to }) => from <= at && at <= to).length;
    expect(Math.max(...spans.map(({ start: at }) => atOnce(at)))).toBeGreaterThan(1);
  });

  test("can be cancelled", async () => {
    const locking = await stage.source.connect("shop");
    await locking.query("begin; lock table pg_catalog.pg_extension in access exclusive mode");
    const body = offlineMigration(stage.source, stage.target, ["shop"], { migrationOption: "Validate" });
    await stage.client.start("stopped", body);
    await stage.client.waitForSubstate("stopped", "ValidationInProgress");
    await stage.client.cancel("stopped");
    const { properties } = await stage.client.waitForEnd("stopped", { limitSeconds: 30 });
    await locking.end();
    expect(properties.currentStatus.state).toBe("Canceled");
    await waitUntilIdle();
  });

  test("of one database can be cancelled while a rule hangs on the target, and the others' go on", async () => {
    for (const server of [stage.source, stage.target]) await server.query("create database hung");
    const sizeTakesLong = `
      create or replace function pg_catalog.pg_size_pretty(bigint) returns text language sql
      as 'select pg_catalog.pg_sleep(600)::text'
    `;
    const sizeAsEver = `
      create or replace function pg_catalog.pg_size_pretty(bigint) returns text language internal immutable strict parallel safe
      as 'pg_size_pretty'
    `;
    await stage.target.query(sizeTakesLong);
    try {
      await stage.client.start(
        "half",
        offlineMigration(stage.source, stage.target, ["shop", "hung"], { migrationOption: "Validate" }),
      );
      const hanging =
        "select from pg_stat_activity where application_name like 'migration %' and wait_event = 'PgSleep'";
      await expect.poll(() => stage.target.query(hanging), { timeout: 30_000 }).toHaveLength(1);
      const { status } = await stage.client.patch("half", { cancel: "True", dbsToCancelMigrationOn: ["hung"] });
      expect(status).toBe(200);
      // Well before VALIDATION_RULE_TIMEOUT_SECONDS.
      const { properties } = await stage.client.waitForEnd("half", { limitSeconds: 30 });
      expect(properties.currentStatus.state).toBe("Succeeded");
    } finally {
      await stage.target.query(sizeAsEver);
    }
    await waitUntilIdle();
    expect((await validationRows("half")).filter(({ state }) => state === "Failed")).toEqual([]);
  });
});

describe("option ValidateAndMigrate", () => {
  const option = { migrationOption: "ValidateAndMigrate" };

  test("with a rule that Failed leaves the target untouched: nothing created, nothing dropped", async () => {
    await stage.source.query("create database planted");
    await stage.source.query("create table notes (id integer)", { database: "planted" });
    await stage.source.query("create role poor login password 'poor-password'");
    await stage.target.query("create database planted");
    await stage.target.query("create table precious (id integer)", { database: "planted" });
    await waitUntilIdle();
    const before = await stateOfServer(stage.target, ["postgres", "planted"]);
    const { state, details } = await validate("planted", ["planted"], {
      ...option,
      secretParameters: {
        adminCredentials: { sourceServerPassword: "poor-password", targetServerPassword: stage.target.password },
        sourceServerUsername: "poor",
        targetServerUsername: stage.target.user,
      },
    });
    expect(state).toBe("ValidationFailed");
    expect(messagesOf(details, "Failed")).toEqual([expect.stringContaining('may not read tables "public"."notes"')]);
    await waitUntilIdle();
    expect(await stateOfServer(stage.target, ["postgres", "planted"])).toEqual(before);
  });

  test("with Warnings only goes on and migrates", async () => {
    await stage.source.query("create unlogged table drafts (id integer)", { database: "shop" });
    const { state, details } = await validate("warned", ["shop"], option);
    expect(state).toBe("Succeeded");
    expect(details?.status).toBe("Warning");
    expect(messagesOf(details, "Warning").join("\n")).toContain("drafts");
    expect(await stage.differences("shop")).toEqual([]);
  });

  test("is what is done when a request names no option", async () => {
    const { properties } = offlineMigration(stage.source, stage.target, ["shop"]);
    const { migrationOption: _, ...without } = properties;
    await stage.client.start("unnamed", { location: "local", properties: without });
    const { properties: ended } = await stage.client.waitForEnd("unnamed");
    expect(ended.migrationOption).toBe("ValidateAndMigrate");
    expect(ended.currentStatus.state).toBe("Succeeded");
    expect((await validationRows("unnamed")).length).toBeGreaterThan(0);
  });
});

test("option Migrate checks no rule", async () => {
  const { details } = await validate("unchecked", ["shop"], { migrationOption: "Migrate" });
  expect(details).toBeUndefined();
  expect(await validationRows("unchecked")).toEqual([]);
});
