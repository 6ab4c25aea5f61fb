import { afterAll, beforeAll, expect, test } from "vitest";
import { type MigrationAnswer, offlineMigration } from "../../local/migration-client.js";
import { retryStatements, statementsOf } from "../fixtures/migration-statements.js";
import { Stage } from "../fixtures/stage.js";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open({ source: { major: 17 }, target: { major: 18 } });
}, 120_000);
afterAll(async () => await stage?.close());

async function migrate(database: string, sql: string): Promise<MigrationAnswer> {
  const { client, source, target } = stage;
  await source.query(`create database ${database}`);
  await source.query(sql, { database });
  await client.start(database, offlineMigration(source, target, [database]));
  return await client.waitForEnd(database);
}

async function retried(name: string): Promise<string> {
  expect((await retryStatements(stage, name)).status).toBe(202);
  return (await stage.client.waitForEnd(name)).properties.currentStatus.state;
}

/** Runs what the remedies of the refused statements say, as a person would. */
async function followRemedies(database: string): Promise<void> {
  for (const { remedy } of await statementsOf(stage, database, "?fate=refused")) {
    const sql = /Run on the target: (.*;)$/.exec(remedy ?? "")?.[1];
    if (sql === undefined) throw new Error(`no SQL in the remedy: ${remedy}`);
    await stage.target.query(sql, { database });
  }
}

test("a generated column whose function names another without its schema costs no row, and is filled after the remedy", async () => {
  const end = await migrate(
    "gencol",
    `create function fold(v text) returns text language sql immutable as $$ select translate(v, 'É', 'e') $$;
    create function slug(v text) returns text language plpgsql immutable strict as $$ begin return lower(fold(v)); end $$;
    create table article (id int primary key, title text, slug text generated always as (slug(title)) stored not null unique);
    insert into article (id, title) values (1, 'Été'), (2, 'Łódź');
    create table other (id int primary key);
    insert into other select generate_series(1, 20)`,
  );
  expect(end.properties.currentStatus.state).toBe("Failed");
  expect((await statementsOf(stage, "gencol", "?fate=refused")).map(({ object }) => object)).toEqual([
    "expression of generated column slug of table public.article",
  ]);
  const counts = "select (select count(*)::int from article) as article, (select count(*)::int from other) as other";
  expect(await stage.target.query(counts, { database: "gencol" })).toEqual([{ article: 2, other: 20 }]);
  await followRemedies("gencol");
  expect(await retried("gencol")).toBe("Succeeded");
  expect(await stage.differences("gencol")).toEqual([]);
});

test("a table whose generated column is refused when it is created has its rows too", async () => {
  const end = await migrate(
    "inlinegen",
    `create function enc(b bytea) returns text language sql immutable as $$ select encode(b, 'hex') $$;
    create function enc(u uuid) returns text language sql immutable as $$ select enc(uuid_send(u)) $$;
    create table item (id uuid primary key, short text generated always as (enc(id)) stored);
    insert into item values ('11111111-2222-3333-4444-555555555555');
    create table other (id int primary key);
    insert into other values (1)`,
  );
  expect(end.properties.currentStatus.state).toBe("Failed");
  expect(await stage.target.query("select id from item", { database: "inlinegen" })).toHaveLength(1);
  await followRemedies("inlinegen");
  expect(await retried("inlinegen")).toBe("Succeeded");
  expect(await stage.differences("inlinegen")).toEqual([]);
});

test("a CHECK that reads another table is put back when all rows are in, where it was", async () => {
  const end = await migrate(
    "chkfn",
    `create table country (code text primary key);
    insert into country select 'c' || g from generate_series(1, 50) as g;
    create function known(c text) returns boolean language sql stable as
      $$ select exists (select from public.country where code = c) $$;
    create table address (id int primary key, c text check (known(c)), pad text);
    insert into address select g, 'c' || (1 + g % 50), repeat('x', 200) from generate_series(1, 2000) as g;
    create table zz (id int primary key references address);
    insert into zz values (1);
    create table tree (id int, c text, constraint tree_known check (known(c))) partition by range (id);
    create table tree_1 partition of tree for values from (1) to (100);
    create table tree_2 (id int, c text, constraint tree_known check (known(c)));
    alter table tree attach partition tree_2 for values from (100) to (200);
    insert into tree select g, 'c1' from generate_series(1, 150) as g;
    create table parent (id int, c text, constraint parent_known check (known(c)));
    create table child (more int, constraint parent_known check (known(c))) inherits (parent);
    insert into child select g, 'c2', g from generate_series(1, 150) as g`,
  );
  expect(end.properties.currentStatus).toMatchObject({ state: "Succeeded" });
  expect(await stage.differences("chkfn")).toEqual([]);
  const constraints = `
    select conrelid::regclass::text as relation, conname as name, conislocal as own, coninhcount as inherited, convalidated as valid
    from pg_constraint
    where contype = 'c' and connamespace = 'public'::regnamespace
    order by 1, 2
  `;
  const back = await stage.target.query(constraints, { database: "chkfn" });
  expect(back).toEqual(await stage.source.query(constraints, { database: "chkfn" }));
  expect(back).toHaveLength(6);
});

test("orphans behind a foreign key are told with their remedy, and everything else is there", async () => {
  const end = await migrate(
    "badfk",
    `create table p (id int primary key);
    insert into p values (1), (2);
    create table c (id int primary key, p int references p);
    insert into c values (1, 1);
    set session_replication_role = replica;
    insert into c values (2, 99)`,
  );
  expect(end.properties.currentStatus.state).toBe("Failed");
  const refused = await statementsOf(stage, "badfk", "?fate=refused");
  expect(refused).toMatchObject([
    {
      object: "constraint c_p_fkey on table public.c",
      kind: "constraint",
      code: "23503",
      message: expect.stringMatching(/foreign key constraint.*about a key \(p\)/),
    },
  ]);
  await stage.target.query("delete from c where p = 99", { database: "badfk" });
  expect(await retried("badfk")).toBe("Succeeded");
  expect(await stage.target.query("select from pg_constraint where not convalidated", { database: "badfk" })).toEqual(
    [],
  );
});

test("a materialized view that reads another one through a function is filled in a second pass", async () => {
  const end = await migrate(
    "matfn",
    `create table t (id int);
    insert into t select generate_series(1, 10);
    create materialized view z_base as select sum(id) as s from t;
    create function base_sum() returns bigint language sql stable as $$ select s from public.z_base $$;
    create materialized view a_top as select base_sum() as s;
    create materialized view empty_mv as select 1 as x with no data`,
  );
  expect(end.properties.currentStatus).toMatchObject({ state: "Succeeded" });
  expect(await stage.differences("matfn")).toEqual([]);
  expect(end.properties.currentStatus.currentSubStateDetails?.dbDetails?.matfn?.message ?? "").not.toMatch(
    /Not filled/,
  );
});
