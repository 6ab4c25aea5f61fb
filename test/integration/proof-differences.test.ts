/** What the proof finds: a value that changed on its way, whatever changed it, is a failure that names the table and the row. */

import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import { from as copyFrom, to as copyTo } from "pg-copy-streams";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EmbeddedServer } from "../../local/embedded-server.js";
import { offlineMigration } from "../../local/migration-client.js";
import { connect } from "../../shared/postgres/connect.js";
import { compareAtCutover } from "../../shared/proof/compare-at-cutover.js";
import { Stage } from "../fixtures/stage.js";

let stage: Stage;
beforeAll(async () => {
  // One part after the other, in parts of few blocks: there is time to change what is in before all of it is.
  stage = await Stage.open({
    service: { settings: { PART_SIZE_MB: "0.05", MAX_PARALLEL_COPIES: "1" } },
  });
});
afterAll(() => stage?.close());

/** Runs `change` on the target as soon as it changes a row. */
async function onceLoaded(database: string, change: string): Promise<void> {
  for (const limit = Date.now() + 60_000; ; await delay(20)) {
    const client = await stage.target.connect(database).catch(() => undefined);
    const changed = await client?.query(change).catch(() => undefined);
    await client?.end();
    if ((changed?.rowCount ?? 0) > 0) return;
    if (Date.now() > limit) throw new Error(`nothing to change: ${change}`);
  }
}

async function migrate(database: string, sql: string, change: string, properties: Record<string, unknown> = {}) {
  const { source, target, client } = stage;
  await source.query(`create database ${database} template template0`);
  await source.query(sql, { database });
  await client.start(database, offlineMigration(source, target, [database], properties));
  await onceLoaded(database, change);
  const end = await client.waitForEnd(database);
  return { state: end.properties.currentStatus.state, error: end.properties.currentStatus.error ?? "" };
}

const rows = "select g, 'value ' || g, now() from generate_series(1, 6000) as g";

test("a row changed on the target between copy and proof is found, and named by its key, places and column", async () => {
  const { state, error } = await migrate(
    "changed",
    `create table public.a (id int primary key, v text, at timestamptz); insert into public.a ${rows};
     create table public.whole (id int); insert into public.whole values (1)`,
    "update public.a set v = v || ' ' where id = 5",
  );
  expect(state).toBe("Failed");
  expect(error).toMatch(/"public"\."a": both sides have 6000 rows, but not the same/);
  expect(error).toMatch(/key \(5\), column "v" \(source public\.a \(0,5\), target public\.a \(\d+,\d+\)\)/);
  const tables = await stage.client.tables("changed");
  const table = tables.find(({ tableName }) => tableName === "a");
  expect(table).toMatchObject({ state: "errored", error: expect.stringContaining("key (5)") });
  expect(table?.verified).toBeUndefined();
});

test("rows that are missing, or that are there twice, are found without a key", async () => {
  const twice = await migrate(
    "twice",
    `create table public.a (id int, v text, at timestamptz); insert into public.a ${rows}`,
    "insert into public.a select * from public.a where id = 7",
  );
  expect(twice.state).toBe("Failed");
  expect(twice.error).toMatch(/the source has 6000 rows, 6000 were copied, and the target has 6001/);
  expect(twice.error).toMatch(/a row, only on the target \(public\.a \(\d+,\d+\)\)/);
});

test("counts do not see a changed row, and say that they are counts", async () => {
  const { state } = await migrate(
    "counted",
    `create table public.a (id int primary key, v text, at timestamptz); insert into public.a ${rows}`,
    "update public.a set v = '' where id = 5",
    { verification: "Counts" },
  );
  expect(state).toBe("Succeeded");
  const [table] = await stage.client.tables("counted");
  expect(table).toMatchObject({ verified: "Counts", rows: 6_000 });
  expect(table?.checksum).toBeUndefined();
  expect(await stage.client.databases("counted")).toMatchObject([{ tablesVerified: 1, tablesCompleted: 1 }]);
});

describe("settings that change values when a session does not say otherwise", () => {
  /** A copy as it was before sessions were neutral: with whatever the databases say. */
  async function copyCarelessly(
    database: string,
    settings: { source?: string; target?: string },
    ddl: string,
    values: string,
  ) {
    for (const server of [stage.source, stage.target]) {
      await server.query(`create database ${database} template template0`);
      await server.query(ddl, { database });
    }
    await stage.source.query(values, { database });
    if (settings.source) await stage.source.query(`alter database ${database} set ${settings.source}`);
    if (settings.target) await stage.target.query(`alter database ${database} set ${settings.target}`);
    const [from, to] = await Promise.all([stage.source.connect(database), stage.target.connect(database)]);
    try {
      await pipeline(from.query(copyTo("copy public.t to stdout")), to.query(copyFrom("copy public.t from stdin")));
    } finally {
      await Promise.all([from.end(), to.end()]);
    }
  }

  async function proven(database: string, neutral: boolean): Promise<string> {
    const session = async (server: typeof stage.source): Promise<pg.Client> => {
      const { host, port, user, password } = server;
      if (!neutral) return await server.connect(database);
      const endpoint = { host, port, user, sslMode: "Prefer" } as const;
      return await connect({ endpoint, password, database, applicationName: "test" });
    };
    const [source, target] = await Promise.all([session(stage.source), session(stage.target)]);
    try {
      const sides = { source, target, verification: "Checksums", limitMs: 10_000 } as const;
      const outcome = await compareAtCutover({ schema: "public", name: "t" }, sides);
      return outcome.kind === "differs" ? outcome.message : outcome.kind;
    } finally {
      await Promise.all([source.end(), target.end()]);
    }
  }

  const cases = [
    {
      what: "DateStyle SQL, DMY on the source",
      settings: { source: "datestyle = 'SQL, DMY'" },
      ddl: "create table public.t (id int primary key, v date)",
      values: "insert into public.t values (1, '2024-02-01'), (2, '2023-12-11')",
    },
    {
      what: "IntervalStyle sql_standard on the source",
      settings: { source: "intervalstyle = 'sql_standard'" },
      ddl: "create table public.t (id int primary key, v interval)",
      values: "insert into public.t values (1, interval '-2 days -03:00:00')",
    },
    {
      what: "a zone's abbreviation that means another zone on the target",
      settings: { source: "datestyle = 'Postgres, MDY'" },
      ddl: "create table public.t (id int primary key, v timestamptz)",
      values:
        "alter database careless_2 set timezone = 'Asia/Kolkata'; insert into public.t values (1, '2024-05-06 12:00:00+00')",
    },
    {
      what: "array_nulls off on the target",
      settings: { target: "array_nulls = off" },
      ddl: "create table public.t (id int primary key, v text[])",
      values: "insert into public.t values (1, array['x', null])",
    },
  ];
  test.each(cases.map((one, index) => ({ ...one, database: `careless_${index}` })))(
    "$what: found",
    async ({ database, settings, ddl, values }) => {
      await copyCarelessly(database, settings, ddl, values);
      expect(await proven(database, true)).toMatch(/key \(1\), column "v"/);
    },
  );

  test("and found as well when the proof's own sessions are not neutral", async () => {
    expect(await proven("careless_0", false)).toMatch(/both sides have 2 rows, but not the same/);
  });
});

test("columns of an extension's type, whose text differs between the servers, are told, and a changed value is found in them", async () => {
  // cube writes floating-point numbers as its server does: with 17 digits before PostgreSQL 12.
  const source = await EmbeddedServer.start({ major: 11 });
  const { target } = stage;
  const database = "cubes";
  for (const server of [source, target]) {
    await server.query(`create database ${database} template template0`);
    await server.query("create extension cube; create table public.t (id int primary key, v cube, w text)", {
      database,
    });
    await server.query("insert into public.t select g, cube(g / 10.0, 0.1), 'w' from generate_series(1, 50) as g", {
      database,
    });
  }
  const session = async ({ host, port, user, password }: EmbeddedServer) => {
    const endpoint = { host, port, user, sslMode: "Prefer" } as const;
    return await connect({ endpoint, password, database, applicationName: "test" });
  };
  const [one, other] = await Promise.all([session(source), session(target)]);
  try {
    const sides = { source: one, target: other, verification: "Checksums", limitMs: 10_000 } as const;
    const compare = () => compareAtCutover({ schema: "public", name: "t" }, sides);
    const told = await compare();
    expect(told).toMatchObject({
      kind: "equal",
      warning: expect.stringMatching(/column "v" is of a type that is not PostgreSQL's own/),
    });
    await target.query("update public.t set w = 'x' where id = 3", { database });
    expect(await compare()).toMatchObject({ kind: "differs" });
    await target.query("update public.t set w = 'w' where id = 3", { database });
    await target.query("delete from public.t where id > 1; update public.t set v = cube(7)", { database });
    await source.query("delete from public.t where id > 1", { database });
    expect(await compare()).toMatchObject({ kind: "differs", message: expect.stringContaining('key (1), column "v"') });
  } finally {
    await Promise.all([one.end(), other.end()]);
    await source.stop();
  }
});
