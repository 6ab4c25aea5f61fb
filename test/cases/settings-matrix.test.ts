import type { Client, DatabaseError } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EmbeddedServer } from "../../local/embedded-server.js";
import { offlineMigration } from "../../local/migration-client.js";
import { availableMajors, type Major } from "../../local/server-binaries.js";
import { quoteIdentifier, quoteLiteral } from "../../shared/postgres/identifiers.js";
import { statementsOf } from "../fixtures/migration-statements.js";
import { schemaEntries, withoutVersionDifferences } from "../fixtures/schema-entries.js";
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

/** A migration of a database of its own by a user of its own: what is set on a role goes over what is set on a database. */
interface Move {
  readonly database: string;
  readonly user: string;
  /** What has the settings, such as "role mover", beside the databases that every migration begins in. */
  readonly on: readonly string[];
  readonly which: 0 | 1;
}

const byRole: Move = { database: "by_role", user: "role_mover", on: ["role role_mover"], which: 0 };
const byDatabase: Move = {
  database: "by_database",
  user: "database_mover",
  on: ["database by_database", "database postgres"],
  which: 1,
};

const setOnDatabase = `
  select setting
  from pg_db_role_setting as s
  join pg_database as d on d.oid = s.setdatabase and d.datname = 'by_database' and s.setrole = 0
  cross join unnest(s.setconfig) as setting
  order by setting
`;

async function settingsOfDatabase(server: EmbeddedServer): Promise<string[]> {
  const rows = await server.query<{ setting: string }>(setOnDatabase, { database: "template1" });
  return rows.map(({ setting }) => setting);
}

async function seed(server: EmbeddedServer): Promise<void> {
  const users = [byRole, byDatabase].map(
    ({ user }) =>
      `create role ${user} login createdb password ${quoteLiteral(server.password)}; grant other to ${user}`,
  );
  await server.query(`create role other; ${users.join("; ")}`);
  await server.query("create access method other_heap type table handler heap_tableam_handler", {
    database: "template1",
  });
}

/** Columns of that many types share a table: a table costs the migration more than its rows do. */
const typesPerTable = 12;

/**
 * @param target leaves out the values that it does not read as the source writes them: a jsonpath of 12 may be none to later versions.
 * @returns the types that have columns.
 */
async function createDatabase(
  server: EmbeddedServer,
  target: EmbeddedServer,
  { database, user }: Move,
): Promise<string[]> {
  await server.query(`create database ${database} owner ${user} template template0`, { database: "template1" });
  const [client, reader] = [await server.connect(database), await target.connect("template1")];
  try {
    await client.query(`set role ${user}`);
    await client.query(schema);
    const types = (await client.query<{ name: string }>(builtInTypes)).rows.map(({ name }) => name);
    const known = types.filter((name) => !unstorableTypes.includes(name));
    for (let first = 0; first < known.length; first += typesPerTable) {
      const columns = await Promise.all(
        known.slice(first, first + typesPerTable).map(async (name) => {
          const type = `pg_catalog.${quoteIdentifier(name)}${name === "bit" ? "(1)" : ""}`;
          const hasArrays = name !== "int2vector" && name !== "oidvector";
          return { name, type, hasArrays, values: await readableValues(name, type, client, reader) };
        }),
      );
      const listed = columns.flatMap(({ name, type, hasArrays }) => [
        `${quoteIdentifier(`v_${name}`)} ${type}`,
        ...(hasArrays ? [`${quoteIdentifier(`a_${name}`)} ${type}[]`] : []),
      ]);
      const table = `app.typed_${first / typesPerTable}`;
      await client.query(`create table ${table} (id serial, ${listed.join(", ")})`);
      const rows = Math.max(...columns.map(({ values }) => values.length));
      for (let row = 0; row < rows; row++) {
        const cells = columns.flatMap(({ type, hasArrays }, index) => {
          const value = `$${index + 1}::text::${type}`;
          return [value, ...(hasArrays ? [`array[array[${value}, ${value}], array[${value}, null]]`] : [])];
        });
        await client.query(
          `insert into ${table} values (default, ${cells.join(", ")})`,
          columns.map(({ values }) => values[row] ?? null),
        );
      }
    }
    return known;
  } finally {
    await Promise.all([client.end(), reader.end()]);
  }
}

/** What a younger version knows, an older one may not; and what a server does not read as it writes it (jsonpath before 17), none can carry. */
async function readableValues(name: string, type: string, source: Client, target: Client): Promise<string[]> {
  const values = valuesOfTypes[name];
  expect(values, `values of type ${name}`).toBeDefined();
  const readable: string[] = [];
  const written = `select x::text as text from (select $1::text::${type} as x) as v where x::text::${type}::text = x::text`;
  for (const value of values ?? []) {
    try {
      const text = (await source.query<{ text: string }>(written, [value])).rows[0]?.text;
      if (text === undefined) continue;
      const arrived = await target.query<{ text: string }>(written, [text]);
      if (arrived.rows[0]?.text === text) readable.push(value);
    } catch (error) {
      expect((error as DatabaseError).code, `${name} ${value}`).toMatch(/^(22|42)/);
    }
  }
  expect(readable.length, `values of type ${name}`).toBeGreaterThan(0);
  return readable;
}

/** Sets all of them at once. @param on e.g. "role mover" */
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

/** Whose the schema public is, and what everybody may do there, has changed with PostgreSQL 14 and 15. */
function withoutWhatVersionsDifferIn(entries: Readonly<Record<string, string>>): Record<string, string> {
  const rest = Object.entries(entries).filter(([header]) => !/^Name: (SCHEMA )?public;/.test(header));
  return withoutVersionDifferences(Object.fromEntries(rest));
}

const pairs = (
  [
    [12, 12],
    [17, 17],
    [18, 18],
    [12, 17],
  ] as [Major, Major][]
).filter((pair) => pair.every((major) => availableMajors().includes(major)));

describe.each(pairs)("PostgreSQL %i → %i", (from, to) => {
  let stage: Stage;
  let settingsOf: ReadonlyMap<EmbeddedServer, readonly OtherSetting[]>;

  beforeAll(async () => {
    // Table part travels in parts, and its indexes are built by detached statements.
    const service = { settings: { PART_SIZE_MB: "0.25" } };
    stage = await Stage.open({ source: { major: from }, target: { major: to }, service });
    const found = new Map<EmbeddedServer, readonly OtherSetting[]>();
    for (const [server, major] of [
      [stage.source, from],
      [stage.target, to],
    ] as const) {
      await seed(server);
      const { settings, all, untried } = await settingsAtOtherValues(server);
      found.set(server, settings);
      console.log(
        `PostgreSQL ${major}: ${settings.length} of the ${all} parameters of pg_settings that a user may set are tried; not ${untried.join(", ")}.`,
      );
    }
    settingsOf = found;
    for (const move of [byRole, byDatabase]) {
      expect((await createDatabase(stage.source, stage.target, move)).length).toBeGreaterThan(60);
    }
  }, 120_000);

  afterAll(async () => {
    await stage?.close();
  });

  async function migrate({ database, user }: Move): Promise<void> {
    const login = ({ host, port, password }: EmbeddedServer) => ({ host, port, user, password });
    const name = database.replace("_", "-");
    await stage.client.start(name, offlineMigration(login(stage.source), login(stage.target), [database]));
    const end = await stage.client.waitForEnd(name, { limitSeconds: 110 });
    const status = end.properties.currentStatus;
    expect(status.state, `${JSON.stringify(status, null, 2)}\n${await stage.service.logTail()}`).toBe("Succeeded");
  }

  async function expectSameContents({ database }: Move): Promise<void> {
    expect(await stage.differences(database)).toEqual([]);
    const [left, right] = [await schemaEntries(stage.source, database), await schemaEntries(stage.target, database)];
    const plain = from === to ? (entries: typeof left) => entries : withoutWhatVersionsDifferIn;
    expect(plain(right)).toEqual(plain(left));
  }

  test("a database arrives equal whatever is set on the role, or on the databases, on both sides", async () => {
    const moves = [byRole, byDatabase];
    for (const [server, settings] of settingsOf) {
      // The migration replaces its database on the target: what is set there holds for nobody.
      if (server === stage.target)
        await server.query("create database by_database owner database_mover", { database: "template1" });
      for (const { on, which } of moves) for (const one of on) await set(server, one, settings, which);
      await server.query(`alter role ${byRole.user} set role = other`, { database: "template1" });
    }
    await Promise.all(moves.map(migrate));
    // What its owner has set on the database arrives with it; what the target does not know is told.
    const known = new Set(
      (await stage.target.query<{ name: string }>("select name from pg_settings", { database: "template1" })).map(
        ({ name }) => name,
      ),
    );
    const [source, target] = [await settingsOfDatabase(stage.source), await settingsOfDatabase(stage.target)];
    const isKnown = (setting: string) => known.has(setting.slice(0, setting.indexOf("=")));
    expect(target).toEqual(source.filter(isKnown));
    const told = (await statementsOf(stage, "by-database", "?fate=leftOut"))
      .map(({ statement }) => statement)
      .join("\n");
    for (const setting of source.filter((one) => !isKnown(one))) {
      expect(told).toContain(setting.slice(0, setting.indexOf("=")));
    }
    for (const server of settingsOf.keys()) {
      for (const one of moves.flatMap(({ on }) => on)) await reset(server, one);
    }
    for (const move of moves) await expectSameContents(move);
  }, 150_000);
});
