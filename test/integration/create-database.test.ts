import type pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EmbeddedServer } from "../../local/embedded-server.js";
import { createDatabase, dropDatabase } from "../../shared/postgres/create-database.js";
import {
  applyDatabaseProperties,
  type DatabaseProperties,
  readDatabaseProperties,
} from "../../shared/postgres/database-properties.js";
import { quoteIdentifier } from "../../shared/postgres/identifiers.js";

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

async function using<T>(server: EmbeddedServer, database: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await server.connect(database);
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function propertiesOf(server: EmbeddedServer, database: string): Promise<DatabaseProperties> {
  return using(server, database, readDatabaseProperties);
}

function create(server: EmbeddedServer, name: string, properties: DatabaseProperties): Promise<void> {
  return using(server, "postgres", (client) => createDatabase(client, name, properties));
}

const plain: DatabaseProperties = {
  encoding: "UTF8",
  collate: "C",
  characterType: "C",
  provider: "libc",
  owner: "postgres",
  connectionLimit: -1,
  isTemplate: false,
  settings: [],
};

describe("encoding and locale", () => {
  test.each([
    ["LATIN1", "C", "C"],
    ["SQL_ASCII", "C", "C"],
    ["EUC_JP", "POSIX", "POSIX"],
    ["UTF8", "C.UTF-8", "C.UTF-8"],
    ["UTF8", "C.utf8", "C"],
  ])("a %s database with locale %s and %s becomes the same on the target", async (encoding, collate, ctype) => {
    const name = `like "${encoding}" ${collate}.${ctype} 😀`;
    await old.query(
      `create database ${quoteIdentifier(name)} encoding '${encoding}' lc_collate '${collate}' lc_ctype '${ctype}' template template0`,
    );
    const properties = await propertiesOf(old, name);
    await create(recent, name, properties);
    const created = await propertiesOf(recent, name);
    expect(created).toEqual({ ...properties, collate: created.collate, characterType: created.characterType });
    expect(normal(created.collate)).toBe(normal(collate));
    expect(normal(created.characterType)).toBe(normal(ctype));
  });

  test("ICU locale and rules are carried over", async () => {
    await recent.query(
      "create database icu template template0 encoding 'UTF8' locale_provider icu icu_locale 'sv-SE' icu_rules '&a < b' lc_collate 'C' lc_ctype 'C'",
    );
    const properties = await propertiesOf(recent, "icu");
    expect(properties).toMatchObject({ provider: "icu", locale: "sv-SE", icuRules: "&a < b" });
    await create(newest, "icu", properties);
    expect(await propertiesOf(newest, "icu")).toEqual(properties);
  });

  test("the builtin provider's locale is carried over", async () => {
    await recent.query(
      "create database builtin template template0 encoding 'UTF8' locale_provider builtin builtin_locale 'C.UTF-8' lc_collate 'C' lc_ctype 'C'",
    );
    const properties = await propertiesOf(recent, "builtin");
    await create(newest, "builtin", properties);
    expect(await propertiesOf(newest, "builtin")).toEqual(properties);
  });

  test("a target that spells the locale in another way gets it in its own way", async () => {
    await create(recent, "spelled", { ...plain, collate: "POSIX", characterType: "C.Utf-8" });
    expect(await propertiesOf(recent, "spelled")).toMatchObject({ collate: "C" });
  });

  test("a locale that the target lacks is an error that names it and leaves no database", async () => {
    const lacking = { ...plain, collate: "xx_XX.UTF-8", characterType: "xx_XX.UTF-8" };
    await expect(create(recent, "lacking", lacking)).rejects.toMatchObject({
      code: "LocaleNotAvailable",
      target: "lacking",
      message: expect.stringMatching(/LC_COLLATE "xx_XX\.UTF-8".*Install the locale/s),
    });
    await expect(create(old, "lacking", { ...plain, provider: "icu", locale: "sv-SE" })).rejects.toMatchObject({
      code: "LocaleNotAvailable",
    });
    expect(await recent.query("select from pg_database where datname = 'lacking'")).toEqual([]);
  });

  test("an existing database is the server's own error, and stays", async () => {
    await recent.query("create database present");
    await expect(create(recent, "present", plain)).rejects.toMatchObject({ code: "42P04" });
  });

  test("a user who may not create databases is told what to do", async () => {
    await recent.query("create role nobody_special login");
    await using(recent, "postgres", async (client) => {
      await client.query("set role nobody_special");
      await expect(createDatabase(client, "denied", plain)).rejects.toMatchObject({
        code: "DatabaseNotCreated",
        message: expect.stringContaining("CREATEDB"),
      });
    });
  });
});

describe("the other properties", () => {
  test("come to the target where their roles exist, and are warnings where not", async () => {
    await old.query('create role "The ""owner" login; create role "only there"; create role reader');
    await old.query('create database props owner "The ""owner" connection limit 7');
    for (const sql of [
      `comment on database props is 'it''s a "database"'`,
      `alter database props set search_path to "$user", public, "odd, ""one"""`,
      "alter database props set work_mem to '64MB'",
      "alter database props set \"my.setting\" to 'a=b'",
      "alter database props set datestyle to 'German, DMY'",
      "alter database props set vacuum_cleanup_index_scale_factor to 0.2",
      "alter role reader in database props set statement_timeout to '1min'",
      'alter role "only there" in database props set statement_timeout to 0',
      "revoke all on database props from public",
      "grant connect on database props to reader with grant option",
      'grant create, temporary on database props to "only there"',
    ]) {
      await old.query(sql);
    }
    await recent.query('create role "The ""owner" login; create role reader');
    const properties = await propertiesOf(old, "props");
    await create(recent, "props", properties);
    const open = async () => undefined;
    const apply = () =>
      using(recent, "postgres", (client) => applyDatabaseProperties(client, "props", properties, open));
    const left = await apply();
    expect(left.map(({ object, missingRole }) => [object, missingRole])).toEqual([
      ['setting statement_timeout of role "only there" of database "props"', "only there"],
      ['setting vacuum_cleanup_index_scale_factor of database "props"', undefined],
      ['privilege CREATE of database "props"', "only there"],
      ['privilege TEMPORARY of database "props"', "only there"],
    ]);
    const expected = {
      ...properties,
      settings: properties.settings.filter(
        (setting) => setting.name !== "vacuum_cleanup_index_scale_factor" && setting.role !== "only there",
      ),
      grants: properties.grants?.filter((grant) => grant.grantee !== "only there"),
    };
    expect(await propertiesOf(recent, "props")).toEqual(expected);
    const [row] = await recent.query<{ path: string; name: string }>(
      "select current_setting('search_path') as path, current_setting('my.setting') as name",
      { database: "props" },
    );
    expect(row).toEqual({ path: '"$user", public, "odd, ""one"""', name: "a=b" });
    expect(await apply()).toEqual(left);
    expect(await propertiesOf(recent, "props")).toEqual(expected);
  });

  test("a database without privileges of its own gets none", async () => {
    await old.query("create database bare");
    const properties = await propertiesOf(old, "bare");
    expect(properties.grants).toBeUndefined();
    await create(recent, "bare", properties);
    await using(recent, "postgres", (client) =>
      applyDatabaseProperties(client, "bare", properties, async () => undefined),
    );
    expect(await recent.query("select datacl from pg_database where datname = 'bare'")).toEqual([{ datacl: null }]);
  });
});

describe("dropping", () => {
  test.each([12, 18] as const)("a database in use, even a template, goes from a version %i server", async (major) => {
    const server = major === 12 ? old : newest;
    const name = 'in "use';
    await server.query(`create database ${quoteIdentifier(name)} is_template true`);
    const users = await Promise.all([1, 2, 3].map(() => server.connect(name)));
    await users[0]?.query("begin; create table t ()");
    await using(server, "postgres", (client) => dropDatabase(client, name));
    expect(await server.query("select from pg_database where datname = $1", { values: [name] })).toEqual([]);
    await Promise.all(users.map((user) => user.end().catch(() => undefined)));
  });

  test("a database that does not exist is fine", async () => {
    await using(recent, "postgres", (client) => dropDatabase(client, "never there"));
  });

  test("a database of somebody else's is an error at once, with the server's words", async () => {
    await recent.query("create role other_user");
    await recent.query("create database not_yours");
    const began = Date.now();
    await using(recent, "postgres", async (client) => {
      await client.query("set role other_user");
      await expect(dropDatabase(client, "not_yours")).rejects.toMatchObject({
        code: "DatabaseNotDropped",
        message: expect.stringContaining("must be owner of database not_yours"),
      });
    });
    expect(Date.now() - began).toBeLessThan(5_000);
  });
});

function normal(locale: string): string {
  return locale.toLowerCase().replaceAll("-", "").replace("posix", "c");
}
