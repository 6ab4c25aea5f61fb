import { afterAll, beforeAll, expect, test } from "vitest";
import { hasEnded, offlineMigration } from "../../local/migration-client.js";
import { retryStatements, statementsOf, statementsScript } from "../fixtures/migration-statements.js";
import { PrivateLibraries } from "../fixtures/private-library.js";
import { Stage } from "../fixtures/stage.js";

let stage: Stage;
let libraries: PrivateLibraries;

beforeAll(async () => {
  libraries = await PrivateLibraries.make(17, { only_here: "citext" });
  stage = await Stage.open({
    source: { major: 17, settings: { dynamic_library_path: libraries.searchPath } },
    target: { major: 17 },
  });
}, 120_000);
afterAll(async () => {
  await stage?.close();
  await libraries?.remove();
});

/** A function of a library that only the source has, and what depends on it. */
const tenKinds = `
  create function public.far(text) returns integer language c immutable strict as 'only_here', 'citext_hash';
  comment on function public.far(text) is 'far away';
  create table public.plain (id integer primary key, note text);
  insert into public.plain select n, 'note ' || n from generate_series(1, 500) as n;
  create table public.dependent (
    id integer primary key,
    note text not null,
    "odd, one" integer default public.far('a,b)(') not null,
    generated integer generated always as (public.far(note)) stored not null,
    constraint near check (public.far(note) is not null)
  ) with (fillfactor = 70);
  insert into public.dependent (id, note) select n, 'note ' || n from generate_series(1, 300) as n;
  create view public.seen as select id, public.far(note) as far from public.plain;
  create materialized view public.kept as select id, public.far(note) as far from public.plain;
  create index plain_far on public.plain (public.far(note));
  create index plain_note on public.plain (note);
  create function public.touched() returns trigger language plpgsql as 'begin return new; end';
  create trigger touching before update on public.plain for each row when (public.far(new.note) > 0) execute function public.touched();
  create rule ruling as on delete to public.plain where public.far(old.note) = 1 do instead nothing;
  alter table public.plain enable row level security;
  create policy guarding on public.plain using (public.far(note) > 0);
`;

test("ten statements of ten kinds that cannot be applied are listed, everything else is in place, and a retry ends it", async () => {
  const { client, source, target } = stage;
  await source.query("create database ten");
  await source.query(tenKinds, { database: "ten" });
  await client.start("ten", offlineMigration(source, target, ["ten"]));
  const end = await client.waitForEnd("ten");
  expect(end.properties.currentStatus.state).toBe("Failed");
  expect(end.properties.currentStatus.error).toMatch(
    /10 statements.*function public\.far\(text\): could not access file "only_here".*58P01.*All rows.*retry/s,
  );

  const statements = await statementsOf(stage, "ten");
  const refused = statements.filter(({ fate }) => fate === "refused");
  expect(refused.map(({ kind, object }) => [kind, object])).toEqual(
    [
      ["function", "function public.far(text)"],
      ["default", 'default of column "odd, one" of table public.dependent'],
      ["expression", "expression of generated column generated of table public.dependent"],
      ["constraint", "constraint near on table public.dependent"],
      ["materialized", "materialized view public.kept"],
      ["view", "view public.seen"],
      ["index", "index public.plain_far"],
      ["rule", "rule ruling on public.plain"],
      ["trigger", "trigger touching on public.plain"],
      ["policy", "policy guarding on public.plain"],
    ].map(([kind, object]) => [kind === "materialized" ? "materialized view" : kind, object]),
  );
  expect(refused[0]).toMatchObject({
    code: "58P01",
    database: "ten",
    remedy: expect.stringMatching(/Install the library/),
  });
  expect(statements.map(({ order }) => order)).toEqual(statements.map((_, index) => index + 1));

  // Every row and every other object is there.
  const counts =
    "select (select count(*)::int from public.plain) as plain, (select count(*)::int from public.dependent) as dependent";
  expect(await target.query(counts, { database: "ten" })).toEqual([{ plain: 500, dependent: 300 }]);
  expect(await target.query("select to_regclass('public.plain_note')::text as index", { database: "ten" })).toEqual([
    { index: "plain_note" },
  ]);
  expect(
    await target.query("select reloptions from pg_class where relname = 'dependent'", { database: "ten" }),
  ).toEqual([{ reloptions: ["fillfactor=70"] }]);

  // Nothing has been mended: the retry changes nothing.
  const before = (await client.tables("ten")).map(({ tableName, parts }) => [tableName, parts]);
  expect((await retryStatements(stage, "ten")).status).toBe(202);
  expect((await client.waitForEnd("ten")).properties.currentStatus.state).toBe("Failed");
  expect((await statementsOf(stage, "ten", "?fate=refused")).map(({ object }) => object)).toEqual(
    refused.map(({ object }) => object),
  );
  const script = await statementsScript(stage, "ten");
  expect(script).toMatch(
    /\\connect "ten"[\s\S]*-- 1\. function public\.far\(text\): refused[\s\S]*CREATE FUNCTION public\.far/,
  );

  await target.query(`alter system set dynamic_library_path = '${libraries.searchPath}'`);
  await target.query("select pg_reload_conf()");
  expect((await retryStatements(stage, "ten")).status).toBe(202);
  const mended = await client.waitFor("ten", (answer) => hasEnded(answer));
  expect(mended.properties.currentStatus).toMatchObject({ state: "Succeeded" });
  expect((await statementsOf(stage, "ten")).filter(({ fate }) => fate !== "applied")).toEqual([]);
  expect((await client.tables("ten")).map(({ tableName, parts }) => [tableName, parts])).toEqual(before);
  expect(await stage.differences("ten")).toEqual([]);
  expect(await stage.secretsFound()).toEqual([]);
});
