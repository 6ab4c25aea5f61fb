/** Tables and sequences that extensions register as their configuration (pg_extension_config_dump): their rows are the user's. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { offlineMigration } from "../../local/migration-client.js";
import { Stage } from "../fixtures/stage.js";

/** As postgis_topology and pg_cron are made. The tables that are referred to are the smaller ones, and come last by name. */
const geotopo = {
  "geotopo.control": "default_version = '1.0'\nrelocatable = true\n",
  "geotopo--1.0.sql": `
    create table topology (id serial primary key, name text unique not null);
    create table a_layer (
      topology_id integer not null references topology (id),
      layer_id integer not null,
      t text,
      primary key (topology_id, layer_id)
    );
    create table a_feature (
      id bigint generated always as identity primary key,
      topology_id integer not null,
      layer_id integer not null,
      parent bigint references a_feature (id),
      foreign key (topology_id, layer_id) references a_layer (topology_id, layer_id)
    );
    create sequence free_seq;
    create table preset (name text primary key, value text, builtin boolean not null default false);
    create table unit (name text primary key, factor numeric);
    create table unit_alias (alias text primary key, unit text not null references unit (name));
    create table internal (note text);
    insert into preset values ('one', 'script', true), ('two', 'script', true);
    insert into unit values ('m', 1), ('km', 1000);
    insert into unit_alias values ('metre', 'm'), ('kilometre', 'km');
    insert into internal values ('made by the script');
    select pg_catalog.pg_extension_config_dump('topology', '');
    select pg_catalog.pg_extension_config_dump('a_layer', '');
    select pg_catalog.pg_extension_config_dump('a_feature', '');
    select pg_catalog.pg_extension_config_dump('topology_id_seq', '');
    select pg_catalog.pg_extension_config_dump('free_seq', '');
    select pg_catalog.pg_extension_config_dump('unit', '');
    select pg_catalog.pg_extension_config_dump('unit_alias', '');
    select pg_catalog.pg_extension_config_dump('preset', 'where not builtin');
  `,
};

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open({ source: { major: 17, extensions: geotopo }, target: { major: 18, extensions: geotopo } });
}, 120_000);
afterAll(async () => await stage?.close());

test("rows are loaded in the order of the foreign keys, and sequences go on where the source's are", async () => {
  const { client, source, target } = stage;
  await source.query("create database geo");
  await source.query(
    `
      create schema geotopo;
      create extension geotopo with schema geotopo;
      insert into geotopo.topology (name) select 'city' || g from generate_series(1, 40) as g;
      insert into geotopo.a_layer select 1 + g % 40, g, repeat('x', 100) from generate_series(1, 3000) as g;
      insert into geotopo.a_feature (topology_id, layer_id, parent)
      select 1 + g % 40, g, nullif(g, 1) - 1 from generate_series(1, 3000) as g;
      select nextval('geotopo.free_seq') from generate_series(1, 7);
    `,
    { database: "geo" },
  );
  await client.start("geo", offlineMigration(source, target, ["geo"]));
  expect((await client.waitForEnd("geo")).properties.currentStatus).toMatchObject({ state: "Succeeded" });
  expect(await stage.differences("geo")).toEqual([]);

  const contents = `
    select
      (select count(*)::int from geotopo.topology) as topologies,
      (select count(*)::int from geotopo.a_layer) as layers,
      (select count(*)::int from geotopo.a_feature) as features,
      (select json_build_array(last_value, is_called) from geotopo.topology_id_seq) as topology_id_seq,
      (select json_build_array(last_value, is_called) from geotopo.a_feature_id_seq) as identity,
      (select json_build_array(last_value, is_called) from geotopo.free_seq) as free_seq
  `;
  expect(await target.query(contents, { database: "geo" })).toEqual(await source.query(contents, { database: "geo" }));
  await target.query(
    `
      insert into geotopo.topology (name) values ('the next');
      insert into geotopo.a_feature (topology_id, layer_id) values (2, 1);
    `,
    { database: "geo" },
  );
});

test("rows of the extension's own script are as the user has left them, in what is his", async () => {
  const { client, source, target } = stage;
  await source.query("create database presets");
  await source.query(
    `
      create extension geotopo with schema public;
      delete from unit_alias where alias = 'kilometre';
      delete from unit where name = 'km';
      insert into unit values ('mile', 1609.344);
      insert into unit_alias values ('mi', 'mile');
      insert into preset values ('three', 'user', false);
      update preset set value = 'changed by the user' where name = 'one';
    `,
    { database: "presets" },
  );
  await client.start("presets", offlineMigration(source, target, ["presets"]));
  expect((await client.waitForEnd("presets")).properties.currentStatus).toMatchObject({ state: "Succeeded" });

  const rows = (query: string) => target.query(query, { database: "presets" });
  expect(await rows("select name from unit order by name")).toEqual([{ name: "m" }, { name: "mile" }]);
  expect(await rows("select alias from unit_alias order by alias")).toEqual([{ alias: "metre" }, { alias: "mi" }]);
  // Rows that its condition leaves out are the extension's: each server has its own, as with pg_dump.
  expect(await rows("select name, value from preset order by name")).toEqual([
    { name: "one", value: "script" },
    { name: "three", value: "user" },
    { name: "two", value: "script" },
  ]);
  expect(await rows("select note from internal")).toEqual([{ note: "made by the script" }]);
});
