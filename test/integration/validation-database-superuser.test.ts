import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stateOf } from "../../shared/validation/rule.js";
import { rule as baseTypes } from "../../shared/validation/rules/database/base-types.js";
import { rule as casts } from "../../shared/validation/rules/database/casts.js";
import { rule as eventTriggers } from "../../shared/validation/rules/database/event-triggers.js";
import { rule as extensionsSuperuser } from "../../shared/validation/rules/database/extensions-superuser.js";
import { rule as functionSettings } from "../../shared/validation/rules/database/function-settings.js";
import { rule as publications } from "../../shared/validation/rules/database/publications.js";
import { rule as superuserObjects } from "../../shared/validation/rules/database/superuser-objects.js";
import { rule as systemCatalogPrivileges } from "../../shared/validation/rules/database/system-catalog-privileges.js";
import { rule as textSearch } from "../../shared/validation/rules/database/text-search.js";
import { rule as untrustedLanguages } from "../../shared/validation/rules/database/untrusted-languages.js";
import { RuleBench } from "../fixtures/rule-bench.js";

const baseType = `
  create type public."odd type";
  create function public.odd_in(cstring) returns public."odd type" language internal immutable strict as 'int4in';
  create function public.odd_out(public."odd type") returns cstring language internal immutable strict as 'int4out';
  create type public."odd type" (input = public.odd_in, output = public.odd_out, like = integer);`;

let bench: RuleBench;

beforeAll(async () => {
  bench = await RuleBench.start({ major: 12 }, { major: 17 });
  await bench.source.query("create role auditor");
});
afterAll(() => bench?.stop());

describe("what only a superuser can create on the target", () => {
  test("a function in C is named and refused", () =>
    bench.prove(untrustedLanguages, {
      plant: `create function public."Now It"() returns timestamptz language internal as 'now'`,
      state: "Failed",
      names: [/function public\."Now It"\(\) in internal/],
      correctedOn: "source",
    }));

  test("functions of extensions are the extension's business", async () => {
    const database = await bench.newDatabase();
    await bench.plant("create extension hstore; create extension pg_trgm", database);
    for (const rule of [untrustedLanguages, baseTypes, casts, superuserObjects]) {
      expect(await bench.check(rule, { database })).toEqual([]);
    }
  });

  test("a user's aggregate and a function in PL/pgSQL are no superuser's", async () => {
    const database = await bench.newDatabase();
    await bench.plant(
      `create aggregate public.total (integer) (sfunc = int4pl, stype = integer);
       create function public.one() returns integer language plpgsql as 'begin return 1; end'`,
      database,
    );
    expect(await bench.check(untrustedLanguages, { database })).toEqual([]);
  });

  test("a base type that nothing uses can be dropped", () =>
    bench.prove(baseTypes, {
      plant: baseType,
      state: "Failed",
      names: [/Base type public\."odd type":/],
      correctedOn: "source",
    }));

  test("a base type with a column of it is named, but no SQL drops the column", () =>
    bench.prove(baseTypes, {
      plant: `${baseType} create table public.odd (o public."odd type")`,
      state: "Failed",
      names: [/Base type public\."odd type":/],
    }));

  test("an event trigger", () =>
    bench.prove(eventTriggers, {
      plant: `create function public.no_drop() returns event_trigger language plpgsql as 'begin end';
              create event trigger "No Drop" on ddl_command_end execute function public.no_drop()`,
      state: "Failed",
      names: [/Event trigger "No Drop":/],
      correctedOn: "source",
    }));

  test("text search parsers and templates", () =>
    bench.prove(textSearch, {
      plant: `create text search parser public."my parser" (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype);
              create text search template public.my_template (lexize = dsimple_lexize)`,
      state: "Failed",
      names: [/parser public\."my parser"/, /template public\.my_template/],
      correctedOn: "source",
    }));

  test("an operator class, an access method, a foreign-data wrapper and a leakproof function", () =>
    bench.prove(superuserObjects, {
      plant: `create operator class public.odd_ops for type integer using btree as operator 1 <, function 1 btint4cmp(integer, integer);
              create access method other_heap type table handler heap_tableam_handler;
              create foreign data wrapper nowhere;
              create function public.tight(integer) returns integer language sql immutable leakproof as 'select 1'`,
      state: "Failed",
      names: [
        /operator class public\.odd_ops/,
        /access method other_heap/,
        /foreign-data wrapper nowhere/,
        /leakproof function public\.tight/,
      ],
      correctedOn: "source",
    }));

  test("a function that sets session_replication_role", () =>
    bench.prove(functionSettings, {
      plant: `create function public.quietly() returns void language sql set session_replication_role = replica as 'select';
              create function public.slowly() returns void language sql set work_mem = '1MB' as 'select'`,
      state: "Failed",
      names: [/Function public\.quietly\(\) sets session_replication_role/],
      correctedOn: "source",
    }));

  test("a publication of all tables is a warning, for the data is whole without it", () =>
    bench.prove(publications, {
      plant: `create publication everything for all tables; create publication one_table for table public.ordinary`,
      state: "Warning",
      names: [/Publication everything:/],
      correctedOn: "source",
    }));

  test("an extension that is not trusted", () =>
    bench.prove(extensionsSuperuser, {
      plant: "create extension postgres_fdw; create extension hstore",
      state: "Failed",
      names: [/Extension postgres_fdw:/],
    }));

  test("none of it matters when the target's user is a superuser", async () => {
    const database = await bench.newDatabase();
    await bench.plant(
      `${baseType}
       create function public.no_drop() returns event_trigger language plpgsql as 'begin end';
       create event trigger no_drop on ddl_command_end execute function public.no_drop();
       create text search template public.my_template (lexize = dsimple_lexize);
       create cast (text as integer) with inout;
       create foreign data wrapper nowhere;
       create publication everything for all tables;
       create extension postgres_fdw;
       create function public.quietly() returns void language sql set session_replication_role = replica as 'select'`,
      database,
    );
    for (const rule of [
      untrustedLanguages,
      baseTypes,
      eventTriggers,
      textSearch,
      casts,
      superuserObjects,
      publications,
      extensionsSuperuser,
      functionSettings,
    ]) {
      expect(await bench.check(rule, { database, targetUser: "superuser" }), rule.id).toEqual([]);
      expect(stateOf(await bench.check(rule, { database })), rule.id).not.toBe("Succeeded");
    }
  });
});

describe("casts", () => {
  test("between built-in types, and without a function", async () => {
    await bench.prove(casts, {
      plant: `${baseType}
              create cast (text as integer) with inout;
              create cast (public."odd type" as integer) without function`,
      state: "Failed",
      names: [/2 casts \(\(public\."odd type" AS integer\), \(text AS integer\)\)/],
      correctedOn: "source",
    });
  });

  test("of a type of one's own are the owner's, whom the target's user has to be", async () => {
    await bench.source.query("create role shopkeeper");
    await bench.target.query("create role shopkeeper; grant shopkeeper to mover with inherit false, set true");
    await bench.prove(casts, {
      plant: `create type public.money_bag as enum ('a', 'b');
              alter type public.money_bag owner to shopkeeper;
              create cast (public.money_bag as varchar) with inout`,
      state: "Warning",
      names: [/Cast \(public\.money_bag AS character varying\):/, /shopkeeper/],
      correctedOn: "target",
    });
  });
});

describe("privileges on the system's own objects", () => {
  test("on tables, columns and functions, each with its REVOKE", () =>
    bench.prove(systemCatalogPrivileges, {
      plant: `grant select, update on pg_catalog.pg_authid to auditor;
              grant select (rolpassword) on pg_catalog.pg_authid to mover;
              grant execute on function pg_catalog.pg_ls_dir(text) to public;
              grant create on schema pg_catalog to auditor;
              grant select on public.ordinary to auditor`,
      state: "Failed",
      names: [
        /SELECT, UPDATE on TABLE pg_catalog\.pg_authid to auditor/,
        /SELECT on TABLE pg_catalog\.pg_authid \(rolpassword\) to mover/,
        /EXECUTE on FUNCTION pg_catalog\.pg_ls_dir\(text\) to PUBLIC/,
        /CREATE on SCHEMA pg_catalog to auditor/,
      ],
      correctedOn: "source",
    }));

  test("a superuser may grant them on the target", async () => {
    const database = await bench.newDatabase();
    await bench.plant("grant select on pg_catalog.pg_authid to auditor", database);
    expect(await bench.check(systemCatalogPrivileges, { database, targetUser: "superuser" })).toEqual([]);
  });
});
