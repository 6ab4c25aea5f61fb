import { afterAll, beforeAll, expect, test } from "vitest";
import { MigrationClient, offlineMigration } from "../../local/migration-client.js";
import { Service } from "../../local/service.js";
import { statementsOf } from "../fixtures/migration-statements.js";
import { Stage } from "../fixtures/stage.js";

/** What is in a row, and nowhere else. */
const secret = "Alice-Secretvalue";

/** What each kind of data error is made by: rows that the source took before it changed its mind. */
const kinds: Record<string, { readonly told: RegExp; readonly sql: string }> = {
  raised_in_check: {
    told: /raised an exception|refused/,
    sql: `
      create function fits(t text) returns boolean language plpgsql immutable as 'begin return true; end';
      create table person (name text check (public.fits(name)));
      insert into person values ('${secret}');
      create or replace function fits(t text) returns boolean language plpgsql immutable
        as $$ begin raise exception 'no good: %', t using hint = t, detail = t; end $$;
    `,
  },
  check_failed: {
    told: /check constraint/,
    sql: `
      create function fits(t text) returns boolean language plpgsql immutable as 'begin return true; end';
      create table person (name text, constraint fitting check (public.fits(name)));
      insert into person values ('${secret}');
      create or replace function fits(t text) returns boolean language plpgsql immutable as 'begin return false; end';
    `,
  },
  domain_failed: {
    told: /violates check constraint/,
    sql: `
      create function fits(t text) returns boolean language plpgsql immutable as 'begin return true; end';
      create domain fitting as text check (public.fits(value));
      create table person (name fitting);
      insert into person values ('${secret}');
      create or replace function fits(t text) returns boolean language plpgsql immutable as 'begin return false; end';
    `,
  },
  not_unique: {
    told: /could not create unique index/,
    sql: `
      create function short(t text) returns text language plpgsql immutable as 'begin return t; end';
      create table person (name text);
      create unique index person_short on person (public.short(name));
      insert into person values ('${secret}'), ('${secret}2');
      create or replace function short(t text) returns text language plpgsql immutable as 'begin return substr(t, 1, 17); end';
    `,
  },
  no_reference: {
    told: /foreign key constraint/,
    sql: `
      create table place (name text primary key);
      create table person (place text references place);
      set session_replication_role = replica;
      insert into person values ('${secret}');
    `,
  },
  invalid_text: {
    told: /invalid input syntax for type integer: \\"…/,
    sql: `
      create function number(t text) returns integer language plpgsql immutable as 'begin return 1; end';
      create table person (name text);
      create index person_number on person (public.number(name));
      insert into person values ('${secret}');
      create or replace function number(t text) returns integer language plpgsql immutable as 'begin return t::integer; end';
    `,
  },
  excluded: {
    told: /could not create exclusion constraint/,
    sql: `
      create function short(t text) returns text language plpgsql immutable as 'begin return t; end';
      create table person (name text, exclude using btree (public.short(name) with =));
      insert into person values ('${secret}'), ('${secret}2');
      create or replace function short(t text) returns text language plpgsql immutable as 'begin return substr(t, 1, 17); end';
    `,
  },
  view_not_filled: {
    told: /raised an exception|Not filled/,
    sql: `
      create function fits(t text) returns text language plpgsql as 'begin return t; end';
      create table person (name text);
      insert into person values ('${secret}');
      create materialized view fitting as select public.fits(name) from person;
      create or replace function fits(t text) returns text language plpgsql
        as $$ begin raise exception 'no good: %', t; end $$;
    `,
  },
};

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open({ source: { major: 17 }, target: { major: 17 } });
  for (const [name, { sql }] of Object.entries(kinds)) {
    await stage.source.query(`create database ${name}`);
    await stage.source.query(sql, { database: name });
  }
}, 120_000);
afterAll(async () => {
  await stage?.close();
});

test("no data error brings values of rows into answers, events, storage or logs", async () => {
  const { client, source, target } = stage;
  await client.start("values", offlineMigration(source, target, Object.keys(kinds)));
  const end = await client.waitForEnd("values");
  const told = JSON.stringify([end, await statementsOf(stage, "values"), await client.tables("values")]);
  for (const [name, kind] of Object.entries(kinds)) expect(told, name).toMatch(kind.told);
  expect(told).toContain("ROW_VALUES_IN_ERRORS");

  const found = await stage.secretsFound([secret, secret.slice(6)]);
  expect(found.filter((place) => !/^the (source|target)'s log$/.test(place))).toEqual([]);
});

test("ROW_VALUES_IN_ERRORS shows them", async () => {
  const service = await Service.start({ instances: 1, settings: { ROW_VALUES_IN_ERRORS: "true" } });
  try {
    const client = new MigrationClient(service, "target");
    await client.start("shown", offlineMigration(stage.source, stage.target, ["no_reference"]));
    const end = await client.waitForEnd("shown");
    expect(JSON.stringify(end)).toContain(secret);
  } finally {
    await service.stop();
  }
});
