import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { availableMajors } from "../../local/server-binaries.js";
import { rule as incompatiblePolymorphics } from "../../shared/validation/rules/database/incompatible-polymorphics.js";
import { rule as notNullInheritance } from "../../shared/validation/rules/database/not-null-inheritance.js";
import { rule as postfixOperators } from "../../shared/validation/rules/database/postfix-operators.js";
import { rule as regColumns } from "../../shared/validation/rules/database/reg-columns.js";
import { rule as removedTypes } from "../../shared/validation/rules/database/removed-types.js";
import { rule as systemViewColumns } from "../../shared/validation/rules/database/system-view-columns.js";
import { rule as tablesWithOids } from "../../shared/validation/rules/database/tables-with-oids.js";
import { RuleBench } from "../fixtures/rule-bench.js";

let bench: RuleBench;

beforeAll(async () => {
  bench = await RuleBench.start({ major: 12 }, { major: 18 });
});
afterAll(() => bench?.stop());

describe("what an old version has and the target's has not", () => {
  test("columns of a removed type, wherever it is inside", async () => {
    const { finding } = await bench.prove(removedTypes, {
      // Nobody can create a column of type unknown since 10; pg_upgrade's predecessors have left some.
      plant: [
        `create table public."Old One" (id integer primary key, "what?" text)`,
        `insert into public."Old One" values (1, 'kept')`,
        `update pg_catalog.pg_attribute set atttypid = 'unknown'::regtype, attlen = -2, attalign = 'c', attcollation = 0
         where attrelid = 'public."Old One"'::regclass and attname = 'what?'`,
        `truncate public."Old One"`,
      ],
      state: "Failed",
      names: [/Column public\."Old One"\."what\?" \(unknown\):/],
      correctedOn: "source",
    });
    expect(finding.message).not.toContain("ordinary");
  });

  test("a removed type inside a domain, an array and a composite type is found", async () => {
    const database = await bench.newDatabase();
    // 12 has no abstime any more: a domain plays it.
    await bench.plant(
      `create domain pg_catalog.abstime as integer;
       create domain public.moment as abstime[];
       create type public.visit as (at public.moment, note text);
       create table public.visits (id integer, visit public.visit);
       create function public.since(abstime) returns integer language sql as 'select 1'`,
      database,
    );
    const findings = await bench.check(removedTypes, { database });
    expect(findings.map(({ state }) => state)).toEqual(["Failed", "Failed"]);
    expect(findings[0]?.message).toMatch(/public\.visit\.at \(abstime\), public\.visits\.visit \(abstime\)/);
    expect(findings[1]?.message).toMatch(/Function public\.since\(abstime\):/);
  });

  test("reg* columns, as pg_upgrade refuses them", async () => {
    const { finding } = await bench.prove(regColumns, {
      plant: `create table public.hooks (id integer primary key, "the proc" regproc, dictionary regdictionary, fine regclass, also_fine regtype);
              insert into public.hooks values (1, 'now', 'simple', 'pg_class', 'text');
              create table public.more_hooks () inherits (public.hooks)`,
      state: "Failed",
      names: [/2 columns \(public\.hooks\."the proc" \(regproc\), public\.hooks\.dictionary \(regdictionary\)\)/],
      correctedOn: "source",
    });
    expect(finding.message).not.toContain("fine");
  });

  test("postfix operators", () =>
    bench.prove(postfixOperators, {
      plant: `create function public.twice(bigint) returns bigint language sql as 'select $1 * 2';
              create schema "odd schema";
              create operator "odd schema".!!! (leftarg = bigint, procedure = public.twice);
              create operator public.!!! (rightarg = bigint, procedure = public.twice)`,
      state: "Failed",
      names: [/Postfix operator "odd schema"\.!!!\(bigint,NONE\)/i],
      correctedOn: "source",
    }));

  test("aggregates and operators on functions whose signature has changed", () =>
    bench.prove(incompatiblePolymorphics, {
      plant: `create aggregate public.array_accum (anyelement) (sfunc = array_append, stype = anyarray, initcond = '{}');
              create operator public.||+ (leftarg = anyarray, rightarg = anyelement, procedure = array_append);
              create aggregate public.fine (integer) (sfunc = int4pl, stype = integer)`,
      state: "Failed",
      names: [/aggregate public\.array_accum\(anyelement\)/, /operator public\.\|\|\+\(anyarray,anyelement\)/],
      correctedOn: "source",
    }));

  test("views on columns that the system's views have lost", () =>
    bench.prove(systemViewColumns, {
      plant: `create view public."check points" as select checkpoints_timed, checkpoints_req from pg_catalog.pg_stat_bgwriter;
              create view public.sessions as select pid, state from pg_catalog.pg_stat_activity;
              create materialized view public.writes as select buffers_backend from pg_catalog.pg_stat_bgwriter`,
      state: "Failed",
      names: [
        /public\."check points" reads pg_catalog\.pg_stat_bgwriter\.checkpoints_req/,
        /public\.writes reads pg_catalog\.pg_stat_bgwriter\.buffers_backend/,
      ],
      correctedOn: "source",
    }));

  test("a child table that may hold nulls where its parent may not", () =>
    bench.prove(notNullInheritance, {
      plant: `create table public.parent (id integer not null, "Kind" text not null);
              create table public.child () inherits (public.parent);
              create table public.good_child () inherits (public.parent);
              alter table public.child alter "Kind" drop not null`,
      state: "Failed",
      names: [/Column public\.child\."Kind":/],
      correctedOn: "source",
    }));

  test("from 12 on no table is WITH OIDS", async () => {
    expect(await bench.check(tablesWithOids, { database: await bench.newDatabase() })).toEqual([]);
  });
});

// npm has binaries of 11 for Linux x64 only.
describe.skipIf(availableMajors().every((major) => major > 11))("PostgreSQL 11", () => {
  let older: RuleBench;
  beforeAll(async () => {
    older = await RuleBench.start({ major: 11 }, { major: 17 });
  });
  afterAll(() => older?.stop());

  test("tables WITH OIDS", () =>
    older.prove(tablesWithOids, {
      plant: `create table public."With Them" (id integer primary key) with oids; insert into public."With Them" values (1)`,
      state: "Failed",
      names: [/Table public\."With Them":/],
      correctedOn: "source",
    }));

  test("columns of types that are gone", () =>
    older.prove(removedTypes, {
      plant: `create table public.times (a abstime, r reltime, t tinterval, list abstime[]);
              alter table public.times drop list;
              insert into public.times values ('2001-02-03 04:05:06', '5 minutes', '["2001-01-01" "2001-02-02"]')`,
      state: "Failed",
      names: [/public\.times\.a \(abstime\), public\.times\.r \(reltime\), public\.times\.t \(tinterval\)/],
      correctedOn: "source",
    }));
});
