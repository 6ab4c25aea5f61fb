/**
 * PostgreSQL's minor releases of November 2026 note in every column's options with which version it was made
 * (`pg_attver`). Debian's 15.20 is such a server; where it is not installed these tests are skipped.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EmbeddedServer } from "../../local/embedded-server.js";
import { offlineMigration } from "../../local/migration-client.js";
import { availableMajors } from "../../local/server-binaries.js";
import { statementsOf } from "../fixtures/migration-statements.js";
import { schemaEntries } from "../fixtures/schema-entries.js";
import { Stage } from "../fixtures/stage.js";

const installed = availableMajors().includes(15);
if (!installed) console.log("postgresql-15 of Debian is not installed: the tests of the security release are skipped");

const schema = `
  create schema "odd pg_attver=1";
  create table public.customer (id integer primary key, name text, note text);
  alter table public.customer alter column name set (n_distinct = -0.5, n_distinct_inherited = 5);
  alter table public.customer alter column note type varchar(200), add column added date default '2026-01-01';
  alter table public.customer alter column note set statistics 200;
  insert into public.customer select n, 'customer ' || n, 'note' from generate_series(1, 200) as n;
  create table "odd pg_attver=1"."pg_attver=2" ("pg_attver" integer, "x)" text);
  alter table "odd pg_attver=1"."pg_attver=2" alter column "x)" set (n_distinct = 3);
  create table public.measured (at date not null, value integer) partition by range (at);
  create table public.measured_2025 partition of public.measured for values from ('2025-01-01') to ('2026-01-01');
  create table public.measured_rest partition of public.measured default;
  insert into public.measured select '2025-12-01'::date + n, n from generate_series(1, 60) as n;
  create index on public.measured (value);
  create view public.names as select id, name from public.customer;
  alter view public.names alter column name set default 'x';
  create materialized view public.latest as select max(at) as at from public.measured;
  create type public.pair as (a integer, b text);
  create foreign data wrapper nothing;
  create server nowhere foreign data wrapper nothing;
  create foreign table public.far (id integer, note text) server nowhere;
  alter foreign table public.far alter column note set (n_distinct = 7);
`;

const withBookkeeping = `
  select attrelid::regclass::text as relation, attname as column
  from pg_attribute
  where attoptions::text like '%pg_attver%'
    and attrelid >= 16384
`;

describe.skipIf(!installed).each([15, 17, 18] as const)("from 15.20 to %i", (major) => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.open({ source: { major: 15 }, target: { major } });
  }, 120_000);
  afterAll(async () => await stage?.close());

  test("a database arrives as it was, without what its server noted about itself", async () => {
    const { client, source, target } = stage;
    await source.query("create database customers");
    await source.query(schema, { database: "customers" });
    expect((await source.query(withBookkeeping, { database: "customers" })).length).toBeGreaterThan(0);
    await client.start("customers", offlineMigration(source, target, ["customers"]));
    const end = await client.waitForEnd("customers");
    expect(end.properties.currentStatus).toMatchObject({ state: "Succeeded" });
    expect(await statementsOf(stage, "customers")).toEqual([]);
    expect(await stage.differences("customers")).toEqual([]);

    const [before, after] = await Promise.all([entriesOf(source), entriesOf(target)]);
    expect(after).toEqual(before);
    expect(JSON.stringify(after)).toMatch(/n_distinct=-0\.5/);
    // A target that keeps such notes has made its own: with its version, not the source's of another major.
    if (major !== 15) expect(await target.query(withBookkeeping, { database: "customers" })).toEqual([]);
  });

  /** Without the notes, which pg_dump 18.3 prints, and what servers of different versions print differently. */
  async function entriesOf(server: EmbeddedServer): Promise<Record<string, string>> {
    const entries = await schemaEntries(server, "customers");
    return Object.fromEntries(
      Object.entries(entries).map(([header, text]) => [
        header,
        text
          .replaceAll(/(?<=[( ])pg_attver=\d+(, )?/g, "")
          .replaceAll(/, (?=\);)/g, "")
          .replaceAll(/^ALTER [^\n]* SET \(\);\n?/gm, "")
          .replaceAll(/\b(customer|measured)\.(?=(id|name|at)\b)/g, "")
          .trim(),
      ]),
    );
  }
});
