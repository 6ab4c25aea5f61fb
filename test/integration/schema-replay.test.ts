import type pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EmbeddedServer } from "../../local/embedded-server.js";
import { runDetached } from "../../shared/ledger/detached-statement.js";
import { listLedgers } from "../../shared/ledger/ledger-name.js";
import type { ConnectOptions } from "../../shared/postgres/connect.js";
import { describeLeftOut } from "../../shared/run/describe-statements.js";
import { rowOf } from "../../shared/run/keep-unapplied.js";
import { applyStatements } from "../../shared/schema/apply-statements.js";
import { classifyStatements } from "../../shared/schema/classify-statement.js";
import { dumpSchema, type SchemaSection } from "../../shared/schema/dump-schema.js";
import { listMaterializedViews } from "../../shared/schema/list-materialized-views.js";
import { planSchema, type SchemaPlan } from "../../shared/schema/schema-plan.js";
import { splitStatements } from "../../shared/schema/split-statements.js";
import type { UnappliedStatement } from "../../shared/schema/unapplied-statement.js";
import { richSchema } from "./schema-rich-source.js";

let old: EmbeddedServer;
let recent: EmbeddedServer;
let newest: EmbeddedServer;

beforeAll(async () => {
  [old, recent, newest] = await Promise.all([
    EmbeddedServer.start({ major: 12 }),
    EmbeddedServer.start({ major: 17 }),
    EmbeddedServer.start({ major: 18 }),
  ]);
});
afterAll(async () => {
  await Promise.all([old, recent, newest].map((server) => server?.stop()));
});

const createLedger = `
  create schema _pgmig;
  create table _pgmig.statement_ledger (
    id text primary key, object text not null, instance text not null, finished_at timestamptz not null default now())`;

/** What was not applied, as a database's message has it. */
class Unapplied {
  readonly statements: UnappliedStatement[] = [];
  readonly keep = async (more: readonly UnappliedStatement[]) => {
    this.statements.push(...more);
  };

  describe(): string[] {
    const run = { key: "target_replay", database: "replay", attempt: 1 };
    return describeLeftOut(this.statements.map((one, order) => rowOf(run, one, { order, id: "1" })));
  }
}

async function using<T>(server: EmbeddedServer, database: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await server.connect(database);
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function dump(server: EmbeddedServer, database: string, section: SchemaSection): Promise<string> {
  return using(server, database, async (client) =>
    dumpSchema(client, { section, timeLimitMs: 60_000, excludedSchemas: await listLedgers(client) }),
  );
}

const listTables = `
  select nspname as schema, relname as name, pg_relation_size(pg_class.oid)::float8 as bytes
  from pg_class join pg_namespace on pg_namespace.oid = relnamespace
  where relkind = 'r' and nspname not in ('pg_catalog', 'information_schema', '_pgmig')`;

async function planOf(server: EmbeddedServer, database: string): Promise<SchemaPlan> {
  const sections = (["pre-data", "post-data"] as const).map(async (section) =>
    classifyStatements(await splitStatements(await dump(server, database, section))),
  );
  const [preData = [], postData = []] = await Promise.all(sections);
  const tables = await server.query<{ schema: string; name: string; bytes: number }>(listTables, { database });
  return planSchema({
    preData,
    postData,
    tables,
    materializedViews: await using(server, database, listMaterializedViews),
  });
}

function connectionTo(server: EmbeddedServer, database: string): ConnectOptions {
  return {
    endpoint: { host: server.host, port: server.port, user: server.user, sslMode: "Prefer" },
    password: server.password,
    database,
    applicationName: "migration replay~00000000 schema",
  };
}

/** What the orchestration does, one after the other. `loadRows` stands for the copy. */
async function replay(
  plan: SchemaPlan,
  server: EmbeddedServer,
  database: string,
  loadRows?: string,
): Promise<string[]> {
  const connection = connectionTo(server, database);
  const run = { deadlineMs: 60_000, instance: "test" };
  const unapplied = new Unapplied();
  return await using(server, database, async (client) => {
    await client.query(createLedger);
    for (const group of plan.preData) await applyStatements(client, group, "test", unapplied.keep);
    if (loadRows !== undefined) await client.query(loadRows);
    for (const { statements } of plan.tableIndexes) {
      for (const statement of statements) expect(await runDetached(connection, statement, run)).toBe("done");
    }
    for (const group of plan.rest) await applyStatements(client, group, "test", unapplied.keep);
    for (const { statements } of plan.foreignKeys) {
      for (const statement of statements) expect(await runDetached(connection, statement, run)).toBe("done");
    }
    for (const group of [...plan.rowSecurity, ...plan.comments, ...plan.ownership]) {
      await applyStatements(client, group, "test", unapplied.keep);
    }
    for (const statement of plan.refreshes) expect(await runDetached(connection, statement, run)).toBe("done");
    for (const group of plan.eventTriggers) await applyStatements(client, group, "test", unapplied.keep);
    return unapplied.describe();
  });
}

/**
 * A dump without what tells two servers apart: keys and versions, and what later versions write in another way: a name for
 * the multirange type that comes with a range type (14), views' columns without their table where there is only one (16).
 */
function comparable(text: string): string {
  return text
    .replaceAll(/^(\\(un)?restrict .*|-- Dumped .*)$/gm, "")
    .replaceAll(/,\n {4}multirange_type_name = app\.span_multirange/g, "")
    .replaceAll(/(?<=[ (])(customer|mv_first|c)\.(?=(id|name|age)\b)/g, "");
}

async function expectSameSchema(source: EmbeddedServer, target: EmbeddedServer, database: string): Promise<void> {
  for (const section of ["pre-data", "post-data"] as const) {
    expect(comparable(await dump(target, database, section))).toBe(comparable(await dump(source, database, section)));
  }
}

const rows = `
  insert into app.customer (name, age) values ('Ann', 30), ('Bob', 17);
  insert into app.orders (customer_id) select id from app.customer;
  insert into app.event values (1, '2020-05-05', 'a'), (2, '2022-02-02', 'b');
  insert into app.event_note values (1, '2020-05-05')`;

test("a rich schema of version 12 arrives on 17 as it was", async () => {
  await old.query("create database rich");
  await old.query(richSchema, { database: "rich" });
  await old.query(
    `set session_replication_role = replica; alter event trigger forbid_ddl disable; ${rows};
    refresh materialized view app.mv_first; refresh materialized view app.mv_second;
    alter event trigger forbid_ddl enable`,
    { database: "rich" },
  );
  await recent.query("create database rich template template0");
  await recent.query('create role "Owner one" login; create role reader');
  const warnings = await replay(await planOf(old, "rich"), recent, "rich", rows);
  expect(warnings).toEqual([]);
  await expectSameSchema(old, recent, "rich");
  const state = `
    select (select count(*)::integer from app.mv_first) as first, (select n::integer from app.mv_second) as second,
      (select relispopulated from pg_class where oid = 'app.mv_third'::regclass) as third,
      (select count(*)::integer from pg_index where not indisvalid) as invalid,
      (select count(*)::integer from pg_constraint where not convalidated) as unvalidated`;
  const arrived = await recent.query(state, { database: "rich" });
  expect(arrived).toEqual(await old.query(state, { database: "rich" }));
  expect(arrived).toEqual([expect.objectContaining({ third: false, invalid: 0, unvalidated: 1 })]);
});

const newerSchema = `
create schema app;
create table app.t (
  id uuid default gen_random_uuid() primary key,
  a integer not null,
  b integer generated always as (a * 2) stored,
  unique nulls not distinct (a)
);
create function app.atomic(x integer) returns integer language sql immutable
begin atomic
  select case when x > 1 then 'a;b' = ';' end;
  select x + 1;
end;
create procedure app.deleting(x integer) language sql begin atomic delete from app.t where a = x; update app.t set a = 2; end;
create index t_expression on app.t (app.atomic(a)) include (b);
create view app.v with (security_invoker) as select * from app.t;
create statistics app.s on (a + 1), b from app.t;
create publication p for table app.t (id, a) where (a > 1);
create publication q for tables in schema app;
create table app.parts (x integer, y integer) partition by list (x);
create table app.parts_1 partition of app.parts for values in (1);
create trigger tr after insert on app.parts for each row execute function pg_catalog.suppress_redundant_updates_trigger();
alter table app.parts_1 disable trigger tr;
create type app.whole as range (subtype = integer, multirange_type_name = app.wholes);
`;

test("what versions 13 to 17 brought arrives on 18 as it was", async () => {
  await recent.query("create database newer");
  await recent.query(newerSchema, { database: "newer" });
  await newest.query("create database newer template template0");
  expect(await replay(await planOf(recent, "newer"), newest, "newer")).toEqual([]);
  await expectSameSchema(recent, newest, "newer");
});

describe("a target without the source's roles", () => {
  test("gets everything but what names them, and says so by role", async () => {
    await newest.query("create database rich template template0");
    const warnings = await replay(await planOf(old, "rich"), newest, "rich", rows);
    expect(warnings).toEqual([
      expect.stringMatching(/^Role "Owner one" does not exist on the target: .*ownerships.* not applied\. Create it/),
      expect.stringMatching(/^Role "reader" does not exist on the target: .*1 row security policy.* not applied/),
      expect.stringMatching(/^Not applied: 1 comment; .*policy "only_reader" for table "customer" does not exist/),
    ]);
    const [policies] = await newest.query("select array_agg(polname::text) as names from pg_policy", {
      database: "rich",
    });
    expect(policies).toEqual({ names: ["everyone"] });
  });
});

describe("a user with few rights on the target", () => {
  test("migrates what it may, with warnings for the rest", async () => {
    await recent.query("create role modest login createrole; create role other");
    await recent.query("create database modest template template0 owner modest");
    await old.query("create database modest");
    await old.query("create role other", { database: "modest" }).catch(() => undefined);
    await old.query(
      `create table mine (x integer); alter table mine owner to other; grant select on mine to reader;
      create publication everything for all tables; create function f() returns event_trigger language plpgsql as 'begin end';
      create event trigger watcher on ddl_command_end execute function f(); comment on event trigger watcher is 'c'`,
      { database: "modest" },
    );
    const plan = await planOf(old, "modest");
    const client = await recent.connect("modest");
    const unapplied = new Unapplied();
    await client.query("set session authorization modest");
    await client.query(createLedger);
    for (const phase of [
      plan.preData,
      plan.rest,
      plan.rowSecurity,
      plan.comments,
      plan.ownership,
      plan.eventTriggers,
    ]) {
      for (const group of phase) await applyStatements(client, group, "test", unapplied.keep);
    }
    const warnings = unapplied.describe();
    expect(await client.query("select from mine")).toMatchObject({ rows: [] });
    await client.end();
    expect(warnings.join("\n")).toMatch(
      /5 ownerships; the first is owner of function public.f\(\): must be able to SET ROLE "postgres"/,
    );
    expect(warnings.join("\n")).toMatch(/publication everything: must be superuser/);
    expect(warnings.join("\n")).toMatch(/event trigger watcher: permission denied/);
  });
});

describe("applying a group", () => {
  async function emptyDatabase(name: string): Promise<pg.Client> {
    await recent.query(`create database ${name} template template0`);
    const client = await recent.connect(name);
    await client.query(createLedger);
    return client;
  }

  function table(name: string) {
    return { sql: `CREATE TABLE public.${name} ()`, kind: "other" as const, object: `table public.${name}`, roles: [] };
  }

  test("takes effect once, however often and by however many", async () => {
    const one = await emptyDatabase("once");
    const two = await recent.connect("once");
    const group = { id: "preData/1", statements: [table("a"), table("b")] };
    const { keep } = new Unapplied();
    await Promise.all([applyStatements(one, group, "one", keep), applyStatements(two, group, "two", keep)]);
    await applyStatements(one, group, "one", keep);
    const { rows: ledger } = await one.query("select id, object from _pgmig.statement_ledger");
    expect(ledger).toEqual([{ id: "preData/1", object: "table public.a" }]);
    await Promise.all([one.end(), two.end()]);
  });

  test("applies the others when one is refused, and tells the object, the server's words and the remedy", async () => {
    const client = await emptyDatabase("fails");
    const statements = [
      table("a"),
      { ...table("b"), sql: "CREATE TABLE public.b (x public.no_such_type)" },
      {
        sql: "CREATE EXTENSION IF NOT EXISTS postgis WITH SCHEMA public",
        kind: "extension" as const,
        object: "extension postgis",
        roles: [],
      },
      table("c"),
    ];
    const unapplied = new Unapplied();
    await applyStatements(client, { id: "preData/1", statements }, "one", unapplied.keep);
    expect(unapplied.statements).toEqual([
      {
        statement: statements[1],
        fate: "refused",
        code: "42704",
        message: 'type "public.no_such_type" does not exist',
        remedy: expect.stringMatching(/Create on the target what the message names/),
      },
      {
        statement: statements[2],
        fate: "refused",
        code: "0A000",
        message: expect.stringMatching(/extension "postgis" is not available/),
        remedy: expect.stringMatching(/azure\.extensions/),
      },
    ]);
    const { rows: there } = await client.query(
      "select relname as name from pg_class where relnamespace = 'public'::regnamespace order by 1",
    );
    expect(there).toEqual([{ name: "a" }, { name: "c" }]);
    await client.end();
  });

  test("whose refusals could not be noted is not applied", async () => {
    const client = await emptyDatabase("unnoted");
    const group = { id: "preData/1", statements: [table("a"), { ...table("b"), sql: "CREATE TABLE public.b (x no)" }] };
    const applying = applyStatements(client, group, "one", async () => {
      throw new Error("the storage account does not answer");
    });
    await expect(applying).rejects.toThrow("the storage account does not answer");
    const { rows: left } = await client.query(
      "select to_regclass('public.a') as a, (select count(*)::integer from _pgmig.statement_ledger) as ledger",
    );
    expect(left).toEqual([{ a: null, ledger: 0 }]);
    await client.end();
  });
});

test("two thousand tables are read, planned and created within a minute on a busy machine", async () => {
  await old.query("create database many");
  const create = `do $$ begin for i in %s..%s loop
    execute format('create table t%%s (id bigint generated always as identity primary key, a text default ''x'')', i);
    execute format('comment on table t%%s is ''x''', i);
  end loop; end $$`;
  for (let from = 1; from <= 2_000; from += 250) {
    await old.query(
      create
        .replace("%s", String(from))
        .replace("%s", String(from + 249))
        .replaceAll("%%", "%"),
      {
        database: "many",
      },
    );
  }
  await recent.query("create database many template template0");
  const began = Date.now();
  const plan = await planOf(old, "many");
  expect(plan.tableIndexes).toHaveLength(2_000);
  const unapplied = new Unapplied();
  await using(recent, "many", async (client) => {
    await client.query(createLedger);
    for (const group of [...plan.preData, ...plan.rest, ...plan.comments])
      await applyStatements(client, group, "test", unapplied.keep);
    const { rows: counts } = await client.query(
      "select count(*)::integer as tables from pg_class where relname ~ '^t[0-9]+$'",
    );
    expect(counts).toEqual([{ tables: 2_000 }]);
  });
  expect(Date.now() - began).toBeLessThan(60_000);
});
