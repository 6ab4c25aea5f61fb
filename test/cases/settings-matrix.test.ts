import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EmbeddedServer } from "../../local/embedded-server.js";
import { offlineMigration } from "../../local/migration-client.js";
import { availableMajors, type Major } from "../../local/server-binaries.js";
import { quoteIdentifier, quoteLiteral } from "../../shared/postgres/identifiers.js";
import { schemaEntries } from "../fixtures/schema-entries.js";
import { type OtherSetting, settingsAtOtherValues } from "../fixtures/settings-at-other-values.js";
import { Stage } from "../fixtures/stage.js";
import { unstorableTypes, valuesOfTypes } from "../fixtures/type-values.js";

const builtInTypes = `
  select t.typname::text as name
  from pg_catalog.pg_type as t
  where t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace
    and t.typtype in ('b', 'r', 'm')
    and (t.typcategory <> 'A' or t.typname in ('int2vector', 'oidvector'))
  order by 1
`;

/** What statements look like whose text depends on a setting: literals, backslashes, times, names that are keywords. */
const schema = String.raw`
  create schema app;
  create table app.part (
    id integer primary key,
    path text default 'C:\temp\new',
    code text constraint code_ok check (code !~ '^\s*$' and code <> 'a\b'),
    made timestamptz default '2024-05-06 12:00+05:30',
    due date default '2024-02-01' check (due > '1999-03-02'),
    span interval default '-1 day +02:03:04' check (span < interval '2 days -03:00'),
    price money default '-1.01',
    ratio double precision default 0.30000000000000004,
    raw bytea default '\x5c00ff',
    page xml default 'text<b/>',
    tags text[] default array['x', null, 'NULL', 'a\b'],
    "order" integer generated always as (length(code) + 1) stored
  );
  insert into app.part (id, code) values (1, '123'), (2, 'abc'), (3, '\d');
  insert into app.part (id, code) select g, g || '\d' from generate_series(4, 4000) as g;
  create index part_digits on app.part (id) where code ~ '^\w\\d$' or due = '2024-02-01';
  create index part_text on app.part ((code || '\'));
  create view app.paths as select id, 'C:\dir\' || code as p, '2024-02-01'::date as d, interval '-2 days -03:00' as i, 0.1::float8 as f from app.part;
  create materialized view app.filled as select id, made, span, price, ratio, page, tags from app.part;
  create function app.f(text) returns text language plpgsql immutable as $f$ begin return $1 || '\n' || e'\\' || '2024-02-01'; end $f$;
  create function app.g(d date default '2024-02-01', i interval default '-1 day +02:03') returns text language sql stable as 'select $1::text || ''\'' || $2';
  create table app.log (at timestamptz, v text) partition by range (at);
  create table app.log_1 partition of app.log for values from ('2024-02-01 00:00+00') to ('2024-03-02 12:00+05:30');
  insert into app.log values ('2024-02-10 10:00+00', 'x');
  create table app.nothing_is (a integer, constraint c check ((a = null) is null));
  create rule seen as on insert to app.nothing_is do also insert into app.log values ('2024-02-11 00:00+00', 'C:\r');
  create type app.mood as enum ('so\so', 'it''s');
  create domain app.path as text default 'C:\d' check (value !~ '\\\\$');
  comment on table app.part is 'a\b ''c''';
`;

async function seed(server: EmbeddedServer): Promise<void> {
  await server.query(
    `create role mover login createdb password ${quoteLiteral(server.password)}; create role other; grant other to mover`,
  );
  await server.query("create access method other_heap type table handler heap_tableam_handler", {
    database: "template1",
  });
}

async function createDatabase(server: EmbeddedServer): Promise<string[]> {
  await server.query("drop database if exists app", { database: "template1" });
  await server.query("create database app owner mover template template0", { database: "template1" });
  const client = await server.connect("app");
  try {
    await client.query("set role mover");
    await client.query(schema);
    const types = (await client.query<{ name: string }>(builtInTypes)).rows.map(({ name }) => name);
    const known = types.filter((name) => !unstorableTypes.includes(name));
    for (const name of known) {
      const values = valuesOfTypes[name];
      expect(values, `values of type ${name}`).toBeDefined();
      const type = `pg_catalog.${quoteIdentifier(name)}${name === "bit" ? "(1)" : ""}`;
      const array = name === "int2vector" || name === "oidvector" ? "" : `, a ${type}[]`;
      const table = `app.${quoteIdentifier(`t_${name}`)}`;
      await client.query(`create table ${table} (id serial, v ${type}${array})`);
      for (const value of values ?? []) {
        const list = array === "" ? "" : ", array[array[x, x], array[x, null]]";
        // What a younger version knows, an older one may not; and what a server does not read as it writes it (jsonpath before 17), none can carry.
        await client
          .query(
            `insert into ${table} (v${array === "" ? "" : ", a"}) select x${list} from (select $1::text::${type} as x) as v where x::text::${type}::text = x::text`,
            [value],
          )
          .catch((error: { code?: string }) => expect(error.code).toMatch(/^(22|42)/));
      }
    }
    return known;
  } finally {
    await client.end();
  }
}

/** Sets all of them at once, e.g. on "role mover". */
async function set(server: EmbeddedServer, on: string, settings: readonly OtherSetting[], which: 0 | 1): Promise<void> {
  const statements = settings.map(({ name, values }) => {
    const value = name === "search_path" || name === "temp_tablespaces" ? values[which] : quoteLiteral(values[which]);
    return `alter ${on} set ${quoteIdentifier(name)} = ${value}`;
  });
  await server.query(statements.join(";\n"), { database: "template1" });
}

async function reset(server: EmbeddedServer, on: string): Promise<void> {
  await server.query(`alter ${on} reset all`, { database: "template1" });
}

const majors: readonly Major[] = [12, 17, 18];

describe.each(majors.filter((major) => availableMajors().includes(major)))("PostgreSQL %i", (major) => {
  let stage: Stage;
  let settings: readonly OtherSetting[];

  beforeAll(async () => {
    // Table part travels in parts, and its indexes are built by detached statements.
    const service = { settings: { PART_SIZE_MB: "0.25" } };
    stage = await Stage.open({ source: { major }, target: { major }, service });
    for (const server of [stage.source, stage.target]) await seed(server);
    const found = await settingsAtOtherValues(stage.source);
    settings = found.settings;
    console.log(
      `PostgreSQL ${major}: ${settings.length} of the ${found.all} parameters of pg_settings that a user may set are tried; not ${found.untried.join(", ")}.`,
    );
  }, 120_000);

  afterAll(async () => {
    await stage?.close();
  });

  test("a database arrives equal whatever is set on the role, on both sides", async () => {
    const types = await createDatabase(stage.source);
    expect(types.length).toBeGreaterThan(60);
    for (const server of [stage.source, stage.target]) {
      await set(server, "role mover", settings, 0);
      await server.query("alter role mover set role = other", { database: "template1" });
    }
    const login = (server: EmbeddedServer) => ({
      host: server.host,
      port: server.port,
      user: "mover",
      password: server.password,
    });
    await stage.client.start("role", offlineMigration(login(stage.source), login(stage.target), ["app"]));
    const end = await stage.client.waitForEnd("role", { limitSeconds: 110 });
    const status = end.properties.currentStatus;
    for (const server of [stage.source, stage.target]) await reset(server, "role mover");
    expect(status.state, `${JSON.stringify(status, null, 2)}\n${await stage.service.logTail()}`).toBe("Succeeded");
    expect(await stage.differences("app")).toEqual([]);
    expect(await schemaEntries(stage.target, "app")).toEqual(await schemaEntries(stage.source, "app"));
  }, 150_000);
});
