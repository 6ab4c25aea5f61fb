import { afterAll, beforeAll, expect, test } from "vitest";
import { seedMany } from "../../demo/seed/many.js";
import { type MigrationAnswer, offlineMigration } from "../../local/migration-client.js";
import { Stage } from "../fixtures/stage.js";

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open();
}, 120_000);

afterAll(async () => await stage?.close());

// The rows satisfied the function when they were written; on a server where it is called anew they do not.
const checkThatFailsOnTarget = `
  create function public.fits(value integer) returns boolean language sql stable
    as $$ select value < 5 or current_setting('server_version_num')::integer < 130000 $$;
  create domain public.fitting as integer check (public.fits(value));
  create table public."odd 'name'" (id integer primary key, value public.fitting);
  insert into public."odd 'name'" select n, n from generate_series(1, 10) as n;
`;

function databaseOf(answer: MigrationAnswer, database: string) {
  return answer.properties.currentStatus.currentSubStateDetails?.dbDetails?.[database];
}

test("a table that fails fails its database and the migration, in the server's words; the other databases are finished", async () => {
  const { client, source, target } = stage;
  await seedMany(source, { database: "bad", tables: 20 });
  await source.query(checkThatFailsOnTarget, { database: "bad" });
  await seedMany(source, { database: "good", tables: 100, rowsEach: 500 });
  await client.start("failing", offlineMigration(source, target, ["bad", "good"]));
  const end = await client.waitForEnd("failing");

  expect(end.properties.currentStatus.state).toBe("Failed");
  expect(end.properties.currentStatus.error).toMatch(/odd 'name'.*violates check constraint/s);
  expect(databaseOf(end, "bad")).toMatchObject({ migrationState: "Failed", fullLoadErroredTables: 1 });
  expect(databaseOf(end, "bad")?.message).toMatch(/odd 'name'.*violates check constraint/s);
  expect(databaseOf(end, "good")).toMatchObject({ migrationState: "Succeeded" });
  expect(await stage.differences("good")).toEqual([]);

  const errored = (await client.tables("failing")).filter(({ state }) => state === "errored");
  expect(errored).toHaveLength(1);
  expect(errored[0]).toMatchObject({ database: "bad", tableName: "odd 'name'" });
  expect(errored[0]?.error).toMatch(/violates check constraint/);
  expect(await stage.sessions()).toEqual([]);
});

test("a table that may not be read is named with the server's message", async () => {
  const { client, source, target } = stage;
  await seedMany(source, { database: "guarded", tables: 5 });
  await source.query("create role reader login password 'pw-reader-Zx81' noinherit");
  await source.query(
    "grant select on all tables in schema public to reader; revoke all on public.small_00003 from reader",
    { database: "guarded" },
  );
  const asReader = { host: source.host, port: source.port, user: "reader", password: "pw-reader-Zx81" };
  await client.start("guarded", offlineMigration(asReader, target, ["guarded"]));
  const end = await client.waitForEnd("guarded");
  expect(end.properties.currentStatus.state).toBe("Failed");
  expect(end.properties.currentStatus.error).toMatch(/permission denied for (table|relation) "?small_00003/);
  expect(await stage.sessions()).toEqual([]);
});

test("an index that cannot be built fails the migration with its name and the server's message", async () => {
  const { client, source, target } = stage;
  await seedMany(source, { database: "indexed", tables: 2 });
  const failsOnTarget = `
    create function public.only_here(value integer) returns integer language plpgsql immutable as $$
    begin
      if current_setting('server_version_num')::integer >= 130000 then raise exception 'not on this server'; end if;
      return value;
    end $$;
    create index small_by_function on public.small_00001 (public.only_here(id));
  `;
  await source.query(failsOnTarget, { database: "indexed" });
  await client.start("indexed", offlineMigration(source, target, ["indexed"]));
  const end = await client.waitForEnd("indexed");
  expect(end.properties.currentStatus.state).toBe("Failed");
  expect(end.properties.currentStatus.error).toMatch(
    /index public.small_by_function: a function of the user.s has raised an exception.*P0001/s,
  );
  expect(await stage.sessions()).toEqual([]);
});

test("a materialized view that cannot be filled on the target is a warning with what to run", async () => {
  const { client, source, target } = stage;
  await source.query("create database derived");
  await source.query(
    `
      create table public.days (day date primary key);
      insert into public.days select '2026-01-01'::date + n from generate_series(1, 10) as n;
      create materialized view public.first as select min(day) as day from public.days;
      create materialized view public.second as select day + 1 as day from public.first;
      create materialized view public.counted as select count(*)::int as days from public.days;
      refresh materialized view public.first with no data;
    `,
    { database: "derived" },
  );
  await client.start("derived", offlineMigration(source, target, ["derived"]));
  const end = await client.waitForEnd("derived");
  expect(end.properties.currentStatus.state).toBe("Succeeded");
  expect(databaseOf(end, "derived")?.message).toMatch(
    /second.*"first" has not been populated.*run on the target: refresh materialized view "public"\."second";/s,
  );
  expect(await target.query("select days from public.counted", { database: "derived" })).toEqual([{ days: 10 }]);
});

test("a source that nobody answers at fails the migration, which says what to check", async () => {
  const { client, source, target } = stage;
  const nowhere = { host: "127.0.0.1", port: 1, user: "postgres", password: source.password };
  await client.start("nowhere", offlineMigration(nowhere, target, ["postgres_not"]));
  const end = await client.waitForEnd("nowhere", { limitSeconds: 90 });
  expect(end.properties.currentStatus.state).toBe("Failed");
  expect(end.properties.currentStatus.error).toMatch(/127\.0\.0\.1:1.*ECONNREFUSED.*Check/s);
});

test("a wrong password is told without telling it", async () => {
  const { client, source, target } = stage;
  const wrong = { host: source.host, port: source.port, user: source.user, password: "pw-wrong-8fJq2v" };
  await client.start("wrong-password", offlineMigration(wrong, target, ["good"]));
  const end = await client.waitForEnd("wrong-password", { limitSeconds: 90 });
  expect(end.properties.currentStatus.state).toBe("Failed");
  expect(end.properties.currentStatus.error).toMatch(/password authentication failed/);
});

test("a source database that is not there fails the migration by its name", async () => {
  const { client, source, target } = stage;
  await client.start("missing-database", offlineMigration(source, target, ["no-such-database"]));
  const end = await client.waitForEnd("missing-database");
  expect(end.properties.currentStatus.state).toBe("Failed");
  expect(end.properties.currentStatus.error).toMatch(/no-such-database/);
});

test("the passwords are in no file, log or answer, after failures too", async () => {
  const secrets = [stage.source.password, stage.target.password, "pw-reader-Zx81", "pw-wrong-8fJq2v"];
  const found = await stage.secretsFound(secrets);
  expect(found).toEqual([]);
});
