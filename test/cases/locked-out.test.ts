import { afterAll, beforeAll, expect, test } from "vitest";
import { offlineMigration } from "../../local/migration-client.js";
import { retryStatements, statementsOf } from "../fixtures/migration-statements.js";
import { PrivateLibraries } from "../fixtures/private-library.js";
import { Stage } from "../fixtures/stage.js";

let stage: Stage;
let libraries: PrivateLibraries;

beforeAll(async () => {
  libraries = await PrivateLibraries.make(17, { bh_audit: "auto_explain" });
  stage = await Stage.open({
    source: { major: 17, settings: { dynamic_library_path: libraries.searchPath } },
    target: { major: 17 },
  });
}, 120_000);
afterAll(async () => {
  await stage?.close();
  await libraries?.remove();
});

test("a setting that would lock everybody out of the database is taken back and told", async () => {
  const { client, source, target } = stage;
  await source.query("create role auditor login");
  await target.query("create role auditor login");
  await source.query("create database preload");
  await source.query("create table t (id integer primary key); insert into t select generate_series(1, 20)", {
    database: "preload",
  });
  await source.query("alter database preload set work_mem = '9MB'");
  await source.query("alter database preload set session_preload_libraries = 'bh_audit'");
  await source.query("alter role auditor in database preload set session_preload_libraries = passwordcheck, bh_audit");
  await client.start("preload", offlineMigration(source, target, ["preload"]));
  const end = await client.waitForEnd("preload");
  expect(end.properties.currentStatus).toMatchObject({ state: "Succeeded" });
  expect(await stage.differences("preload")).toEqual([]);

  const settings = `
    select coalesce(rolname, '') as role, unnest(setconfig) as setting
    from pg_db_role_setting left join pg_roles on pg_roles.oid = setrole
    where setdatabase = (select oid from pg_database where datname = 'preload')
    order by 1, 2
  `;
  expect(await target.query(settings)).toEqual([{ role: "", setting: "work_mem=9MB" }]);
  const left = await statementsOf(stage, "preload");
  expect(left.map(({ kind, fate, code, object }) => [kind, fate, code, object])).toEqual([
    ["setting", "leftOut", "58P01", 'setting session_preload_libraries of role "auditor" of database "preload"'],
    ["setting", "leftOut", "58P01", 'setting session_preload_libraries of database "preload"'],
  ]);
  const message = end.properties.currentStatus.currentSubStateDetails?.dbDetails?.preload?.message;
  expect(message).toMatch(/could not access file "bh_audit"/);
  expect(await target.query("select from pg_namespace where nspname like '%pgmig%'", { database: "preload" })).toEqual(
    [],
  );

  // Tried again before that, it does not lock anybody out either.
  expect((await retryStatements(stage, "preload")).status).toBe(202);
  await client.waitForEnd("preload");
  expect(await target.query(settings)).toEqual([{ role: "", setting: "work_mem=9MB" }]);

  // The remedy: install the library, and apply what was left out.
  await target.query(`alter system set dynamic_library_path = '${libraries.searchPath}'`);
  await target.query("select pg_reload_conf()");
  expect((await retryStatements(stage, "preload")).status).toBe(202);
  expect((await client.waitForEnd("preload")).properties.currentStatus.state).toBe("Succeeded");
  expect(await target.query(settings)).toEqual(await source.query(settings));
});
