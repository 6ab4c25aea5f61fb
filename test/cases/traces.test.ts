/** Nothing of ours is ever copied, left behind or written down by a user's own triggers. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { offlineMigration } from "../../local/migration-client.js";
import { schemaEntries } from "../fixtures/schema-entries.js";
import { Stage } from "../fixtures/stage.js";

/** What the first version left: the schema, with its tables as they have been ever since. */
const leftover = (schema: string) => `
  create schema ${schema};
  create table ${schema}.leftover (id integer);
  insert into ${schema}.leftover values (1);
  create table ${schema}.ledger (
    part_id integer primary key, rows bigint not null default 0, bytes bigint not null default 0, instance text not null,
    finished_at timestamptz not null default now()
  );
  insert into ${schema}.ledger values (1, 5, 10, 'old');
  create table ${schema}.statement_ledger (
    id text primary key, object text not null, instance text not null, finished_at timestamptz not null default now()
  );
  insert into ${schema}.statement_ledger (id, object, instance)
  select phase || '/' || number, 'old', 'old'
  from unnest(array['preData', 'tableIndexes', 'rest', 'foreignKeys', 'comments', 'ownership', 'eventTriggers']) as phase,
    generate_series(1, 5) as number;
  create materialized view ${schema}.summary as select count(*) from ${schema}.ledger;
  create sequence ${schema}.counter;
`;

const guarded = `
  create function no_drop() returns event_trigger language plpgsql as $$
    begin raise exception 'DROP is not allowed in production'; end $$;
  create function no_ddl() returns event_trigger language plpgsql as $$
    begin raise exception 'DDL is frozen (%)', tg_tag; end $$;
  create table t (id integer primary key);
  insert into t select generate_series(1, 50);
  create event trigger guard on sql_drop execute function no_drop();
  create event trigger frozen on ddl_command_start execute function no_ddl();
`;

const audited = `
  create table ddl_log (id serial primary key, tag text, obj text, at timestamptz default clock_timestamp());
  create function log_ddl() returns event_trigger language plpgsql as $$
    begin insert into public.ddl_log (tag, obj) values (tg_tag, tg_event); end $$;
  create function log_drop() returns event_trigger language plpgsql as $$
    declare r record;
    begin
      for r in select * from pg_event_trigger_dropped_objects() loop
        insert into public.ddl_log (tag, obj) values (tg_tag, r.object_identity);
      end loop;
    end $$;
  create table t (id integer primary key, v text);
  insert into t select g, 'v' || g from generate_series(1, 100) as g;
  create materialized view mv as select count(*) from t;
  create event trigger et_start on ddl_command_start execute function log_ddl();
  create event trigger et_end on ddl_command_end execute function log_ddl();
  create event trigger et_drop on sql_drop execute function log_drop();
  alter event trigger et_end enable always;
  alter event trigger et_start enable replica;
  comment on event trigger et_end is 'audit';
  create index on t (v);
`;

const watched = `
  create table login_log (who text, at timestamptz default now());
  create function on_login() returns event_trigger language plpgsql as $$
    begin insert into public.login_log (who) values (current_setting('application_name')); end $$;
  create table t (id integer primary key);
  insert into t select generate_series(1, 10);
  create event trigger lt on login execute function on_login();
`;

/** A database that binds everybody: its role, its limit, read-only by default. */
const bound = `
  create table t (id serial primary key, v text);
  insert into t (v) select 'x' from generate_series(1, 20);
  alter table t owner to app_owner;
  create materialized view mv as select count(*) from t;
  alter database bound set role = 'app_owner';
  alter database bound set default_transaction_read_only = on;
  alter database bound connection limit 0;
`;

/** A user's own schemas, called as ours may be. */
const namesake = `
  create schema _pgmig;
  create table _pgmig.ledger (id integer primary key, account text);
  insert into _pgmig.ledger values (1, 'the user''s');
  create schema _pgmig_2;
  create table _pgmig_2.part (id serial primary key, v text);
  insert into _pgmig_2.part (v) select 'x' from generate_series(1, 10);
  create materialized view _pgmig_2.mv as select count(*) from _pgmig_2.part;
  create publication pgmig_orders for table _pgmig_2.part;
`;

const databases: Record<string, string> = {
  chain: `${leftover("_pgmig")} ${guarded}`,
  twice: `create table t (id integer primary key, v text); insert into t select g, 'v' from generate_series(1, 10) as g;
    ${leftover("_pgmig")} ${leftover("_pgmig_2")}`,
  namesake,
  guarded,
  audited,
  watched,
  bound,
};

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open({ source: { major: 17 }, target: { major: 18 } });
  const { source, target, client } = stage;
  for (const server of [source, target]) await server.query("create role app_owner");
  for (const [database, sql] of Object.entries(databases)) {
    await source.query(`create database ${database}`);
    await source.query(sql, { database });
  }
  const body = offlineMigration(source, target, Object.keys(databases));
  await client.start("traces", body);
  await client.waitForState("traces", "Succeeded", 120);
}, 240_000);

afterAll(async () => await stage?.close());

/** The target's side, whatever its settings are. */
async function rows(server: "source" | "target", database: string, sql: string): Promise<unknown[]> {
  return await stage[server].query(sql, { database });
}

function schemas(database: string): Promise<unknown[]> {
  return rows("target", database, "select nspname from pg_namespace where nspname ~ '^_?pgmig' order by 1");
}

test.each(Object.keys(databases).filter((database) => database !== "namesake"))(
  "nothing of ours is in %s",
  async (database) => expect(await schemas(database)).toEqual([]),
);

test.each(["guarded", "audited", "watched", "bound", "namesake"])(
  "pg_dump of both sides of %s is the same, and nothing is warned of",
  async (database) => {
    expect(await schemaEntries(stage.target, database)).toEqual(await schemaEntries(stage.source, database));
    const { properties } = await stage.client.get("traces");
    expect(properties.currentStatus.currentSubStateDetails?.dbDetails?.[database]?.message ?? "").toBe("");
  },
);

test.each(["chain", "twice"])(
  "what an earlier migration left in %s is told, and the rest is complete",
  async (name) => {
    const entries = (side: "source" | "target") => schemaEntries(stage[side], name);
    const ours = (text: string) => /_pgmig/.test(text);
    const source = Object.entries(await entries("source")).filter(([header, text]) => !ours(header) && !ours(text));
    expect(await entries("target")).toEqual(Object.fromEntries(source));
    const { properties } = await stage.client.get("traces");
    expect(properties.currentStatus.currentSubStateDetails?.dbDetails?.[name]?.message).toMatch(/Schema "?_pgmig/);
  },
);

test.each([
  ["chain", "select count(*)::int as n from public.t", 50],
  ["twice", "select count(*)::int as n from public.t", 10],
  ["namesake", "select count(*)::int as n from _pgmig_2.part", 10],
  ["namesake", "select count(*)::int as n from _pgmig.ledger", 1],
  ["bound", "select count(*)::int as n from public.t", 20],
])("all rows are there: %s, %s", async (database, sql, n) => {
  expect(await rows("target", database, sql)).toEqual([{ n }]);
});

describe("a user's log tables", () => {
  test("have no row of our DDL", async () => {
    const log = "select id, tag, obj from public.ddl_log order by id";
    const last = "select last_value from public.ddl_log_id_seq";
    expect(await rows("target", "audited", log)).toEqual(await rows("source", "audited", log));
    expect(await rows("target", "audited", last)).toEqual(await rows("source", "audited", last));
  });

  test("have no row of our sessions", async () => {
    const ours = "select who from public.login_log where who <> 'test'";
    expect(await rows("source", "watched", ours)).toEqual([]);
    expect(await rows("target", "watched", ours)).toEqual([]);
  });
});
