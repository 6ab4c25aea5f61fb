import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stateOf } from "../../shared/validation/rule.js";
import { rule as encodingAndCollations } from "../../shared/validation/rules/database/encoding-and-collations.js";
import { rule as foreignServers } from "../../shared/validation/rules/database/foreign-servers.js";
import { rule as invalidConstraints } from "../../shared/validation/rules/database/invalid-constraints.js";
import { rule as invalidIndexes } from "../../shared/validation/rules/database/invalid-indexes.js";
import { rule as largeObjects } from "../../shared/validation/rules/database/large-objects.js";
import { rule as missingRoles } from "../../shared/validation/rules/database/missing-roles.js";
import { rule as objectsInSystemSchemas } from "../../shared/validation/rules/database/objects-in-system-schemas.js";
import { rule as rowSecurity } from "../../shared/validation/rules/database/row-security.js";
import { rule as skew } from "../../shared/validation/rules/database/skew.js";
import { rule as tablespaces } from "../../shared/validation/rules/database/tablespaces.js";
import { rule as unloggedTables } from "../../shared/validation/rules/database/unlogged-tables.js";
import { RuleBench } from "../fixtures/rule-bench.js";

let bench: RuleBench;

beforeAll(async () => {
  bench = await RuleBench.start({ major: 12 }, { major: 17 });
});
afterAll(() => bench?.stop());

describe("rows", () => {
  test("that row security could hide from the migration's user", () =>
    bench.prove(rowSecurity, {
      sourceUser: "ordinary",
      plant: `create table public."Secret Ones" (id integer primary key, owner text);
              alter table public."Secret Ones" enable row level security;
              create policy own on public."Secret Ones" using (owner = current_user);
              create table public.open_ones (id integer);
              create policy unused on public.open_ones using (false);
              grant select on all tables in schema public to mover`,
      state: "Failed",
      names: [/Table public\."Secret Ones":/],
      correctedOn: "source",
    }));

  test("row security hides nothing from a superuser and from the owner, unless it is forced upon the owner", async () => {
    await bench.source.query("alter role mover nobypassrls");
    const database = await bench.newDatabase();
    await bench.plant(
      `create table public.own (id integer);
       alter table public.own enable row level security;
       alter table public.own owner to mover`,
      database,
    );
    expect(await bench.check(rowSecurity, { database })).toEqual([]);
    expect(await bench.check(rowSecurity, { database, sourceUser: "ordinary" })).toEqual([]);
    await bench.plant("alter table public.own force row level security", database);
    expect(stateOf(await bench.check(rowSecurity, { database, sourceUser: "ordinary" }))).toBe("Failed");
  });

  test("of unlogged tables", () =>
    bench.prove(unloggedTables, {
      plant: `create unlogged table public."Fast" (id serial primary key)`,
      state: "Warning",
      names: [/Unlogged table public\."Fast":/],
      correctedOn: "source",
    }));

  test("more than ten objects are counted, and ten of them named", async () => {
    const database = await bench.newDatabase();
    await bench.plant(
      "do $$ begin for n in 10..21 loop execute format('create unlogged table public.t%s ()', n); end loop; end $$",
      database,
    );
    const [finding] = await bench.check(unloggedTables, { database });
    expect(finding?.message).toMatch(/^12 unlogged tables \(public\.t10, .*public\.t19 and 2 more\): /);
    expect(finding?.message).toContain("Run on the source (then validate again for the other 2): ALTER TABLE");
    await bench.correct(finding, database);
    expect((await bench.check(unloggedTables, { database }))[0]?.message).toMatch(
      /^2 unlogged tables \(public\.t20, public\.t21\): /,
    );
  });

  test("large objects are counted", async () => {
    const { finding } = await bench.prove(largeObjects, {
      plant: "select pg_catalog.lo_from_bytea(4711, 'x'), pg_catalog.lo_from_bytea(0, 'y')",
      state: "Warning",
      names: [/^2 large objects: /],
    });
    expect(finding.message).not.toContain("replication");
  });

  test("large objects that the source's user may not read", () =>
    bench.prove(largeObjects, {
      sourceUser: "ordinary",
      plant: `select pg_catalog.lo_from_bytea(n, 'x') from generate_series(4711, 4713) as n;
              grant select on large object 4712 to public;
              alter large object 4713 owner to mover`,
      state: "Failed",
      names: [/Large object 4711: mover may not read it/],
      correctedOn: "source",
      remains: "Warning",
    }));

  test("how unequal the tables are, as information", async () => {
    const database = await bench.newDatabase();
    await bench.plant(
      `create table public."Big" as select n, repeat('x', 500) as filler from generate_series(1, 3000) as n;
       insert into public.ordinary values (1, 'x')`,
      database,
    );
    const findings = await bench.check(skew, { database });
    expect(findings).toEqual([
      {
        state: "Succeeded",
        message: expect.stringMatching(
          /^Largest table public\."Big": \d+ kB of \d+ kB in 2 tables \(9\d\.\d %\), copied in 1 part\.$/,
        ),
      },
    ]);
  });
});

describe("collations", () => {
  // A locale that no machine has. The source's own system must accept a locale at creation, hence the detour through the catalog.
  const unknownLocale = "xx_XX.UTF-8";

  test("one of the system's that the target does not have", () =>
    bench.prove(encodingAndCollations, {
      plant: [
        `create collation public.klingon from "C"`,
        `update pg_catalog.pg_collation set collnamespace = 'pg_catalog'::regnamespace where collname = 'klingon'`,
        `create table public."Words" (id integer primary key, "The Word" text collate pg_catalog.klingon)`,
      ],
      state: "Failed",
      names: [/klingon/, /public\."Words"|"Words"/],
      correctedOn: "source",
    }));

  test("one of the user's with a locale that the target does not have", () =>
    bench.prove(encodingAndCollations, {
      plant: [
        `create collation public."mein Deutsch" from "C"; create collation public.fine from "C"`,
        `update pg_catalog.pg_collation set collcollate = '${unknownLocale}', collctype = '${unknownLocale}' where collname = 'mein Deutsch'`,
      ],
      state: "Failed",
      names: [/public\."mein Deutsch"/, /xx_XX/],
      correctedOn: "source",
    }));

  test("the database's locale", async () => {
    const database = await bench.newDatabase();
    await bench.source.query(`update pg_catalog.pg_database set datcollate = '${unknownLocale}' where datname = $1`, {
      values: [database],
    });
    // The session is in a sound database, and reads what that one says of the other: nobody can enter a database of an unknown locale.
    const findings = await bench.check(encodingAndCollations, { database, sessionIn: "postgres" });
    expect(stateOf(findings)).toBe("Failed");
    expect(findings[0]?.message).toMatch(/Database db \d+ .*xx_XX\.UTF-8/);
  });
});

describe("what stays behind or comes along incomplete", () => {
  test("custom tablespaces", async () => {
    const session = await bench.source.connect();
    await session.query("set allow_in_place_tablespaces = on");
    await session.query(`create tablespace "fast disk" location ''`);
    await session.end();
    await bench.prove(tablespaces, {
      plant: `create table public.hot (id integer primary key) tablespace "fast disk";
              create index "Hot Index" on public.hot (id) tablespace "fast disk"`,
      state: "Warning",
      names: [/public\.hot in "fast disk"/, /public\."Hot Index" in "fast disk"/],
      correctedOn: "source",
    });
    const database = await bench.newDatabase();
    await bench.source.query(`alter database "${database}" set tablespace "fast disk"`);
    const [finding] = await bench.check(tablespaces, { database });
    expect(finding).toMatchObject({ state: "Warning", message: expect.stringContaining(`Database ${database} `) });
  });

  test("foreign servers and the passwords of their users", async () => {
    const { finding } = await bench.prove(foreignServers, {
      plant: `create extension postgres_fdw;
              create server "far away" foreign data wrapper postgres_fdw options (host 'far');
              create user mapping for mover server "far away" options (user 'u', password 'do-not-tell')`,
      state: "Warning",
      names: [
        /Foreign server "far away" \(postgres_fdw, user mappings of mover\):/,
        /ALTER USER MAPPING FOR "mover" SERVER "far away"/,
      ],
    });
    expect(finding.message).not.toContain("do-not-tell");
  });

  test("an invalid index", () =>
    bench.prove(invalidIndexes, {
      plant: [
        `insert into public.ordinary values (1, 'twice'), (2, 'twice')`,
        `create index "Note" on public.ordinary (note)`,
        `update pg_catalog.pg_index set indisvalid = false where indexrelid = 'public."Note"'::regclass`,
      ],
      state: "Warning",
      names: [/Invalid index public\."Note":/],
      correctedOn: "source",
    }));

  test("constraints that are not valid, of tables and domains", () =>
    bench.prove(invalidConstraints, {
      plant: `alter table public.ordinary add constraint "No Blank" check (note <> '') not valid;
              create domain public.positive as integer;
              alter domain public.positive add constraint above check (value > 0) not valid;
              create table public.child (id integer references public.ordinary, parent integer);
              alter table public.child add foreign key (parent) references public.ordinary not valid`,
      state: "Warning",
      names: [/"No Blank" on public\.ordinary/, /above on public\.positive/, /child_parent_fkey on public\.child/],
      correctedOn: "source",
    }));

  test("what is in a schema of the system's", () =>
    bench.prove(objectsInSystemSchemas, {
      plant: `create function pg_catalog."my function"(integer) returns integer language sql as 'select 1';
              create domain pg_catalog.my_domain as integer`,
      state: "Failed",
      names: [/function "my function"\(integer\)/, /type my_domain/],
      correctedOn: "source",
    }));

  test("owners and grantees that the target does not know", async () => {
    await bench.source.query(`create role "The Owner"; create role reader login; create role idle`);
    await bench.prove(missingRoles, {
      plant: `create table public.theirs (id integer); alter table public.theirs owner to "The Owner"; grant select on public.theirs to reader`,
      state: "Warning",
      names: [/2 roles \("The Owner", reader\)/, /CREATE ROLE "reader" LOGIN;/],
      correctedOn: "target",
    });
  });
});
