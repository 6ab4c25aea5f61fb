/** Rules that foresee what a target would refuse, or leave out, and what of ours would meet what is the user's. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { availableMajors } from "../../local/server-binaries.js";
import { quoteIdentifier } from "../../shared/postgres/identifiers.js";
import { rule as compression } from "../../shared/validation/rules/database/compression.js";
import { rule as databaseSettings } from "../../shared/validation/rules/database/database-settings.js";
import { rule as functionLibraries } from "../../shared/validation/rules/database/function-libraries.js";
import { rule as leftovers } from "../../shared/validation/rules/database/leftovers.js";
import { rule as ownerMembership } from "../../shared/validation/rules/database/owner-membership.js";
import { rule as sourceEventTriggers } from "../../shared/validation/rules/database/source-event-triggers.js";
import { rule as unqualifiedNames } from "../../shared/validation/rules/database/unqualified-names.js";
import { PrivateLibraries } from "../fixtures/private-library.js";
import { RuleBench } from "../fixtures/rule-bench.js";

let libraries: PrivateLibraries;
let bench: RuleBench;

beforeAll(async () => {
  libraries = await PrivateLibraries.make(17, { only_here: "citext" });
  bench = await RuleBench.start({ major: 17, settings: { dynamic_library_path: libraries.searchPath } }, { major: 18 });
}, 120_000);
afterAll(async () => {
  await bench?.stop();
  await libraries?.remove();
});

const farFunction = `
  create function public.far(text) returns integer language c immutable strict as 'only_here', 'citext_hash';
  create function public."Near By"(text) returns integer language c immutable strict as '$libdir/citext', 'citext_hash';
`;

describe("libraries", () => {
  test("a function in C whose library only the source has is named with the server's words, and no other", async () => {
    const { finding } = await bench.prove(functionLibraries, {
      plant: farFunction,
      targetUser: "superuser",
      state: "Failed",
      names: [/Function public\.far\(text\): in C, of library 'only_here', .*could not access file "only_here"/],
      correctedOn: "source",
    });
    expect(finding.message).not.toMatch(/Near By/);
  });

  test("to who is no superuser another rule tells that he may create none", async () => {
    const database = await bench.newDatabase();
    await bench.plant(farFunction, database);
    expect(await bench.check(functionLibraries, { database })).toEqual([]);
  });

  test("a library that sessions would load and the target lacks", async () => {
    const database = await bench.newDatabase();
    expect(await bench.check(databaseSettings, { database, targetUser: "superuser" })).toEqual([]);
    await bench.source.query(
      `alter database ${quoteIdentifier(database)} set session_preload_libraries = 'auto_explain', 'only_here'`,
    );
    expect(await bench.check(databaseSettings, { database, targetUser: "superuser" })).toEqual([
      {
        state: "Warning",
        message: expect.stringMatching(
          /^Setting session_preload_libraries: names library only_here, .*could not access file/,
        ),
      },
    ]);
  });
});

describe("settings of the database", () => {
  test("one that only a superuser may set is granted to the target's user", async () => {
    const database = await bench.newDatabase();
    const settings = [
      "log_statement = 'ddl'",
      "work_mem = '8MB'",
      "session_preload_libraries = 'auto_explain'",
      "app.tenant = 'x'",
    ];
    for (const setting of settings)
      await bench.source.query(`alter database ${quoteIdentifier(database)} set ${setting}`);
    const findings = await bench.check(databaseSettings, { database });
    expect(findings).toEqual([
      {
        state: "Warning",
        message: expect.stringMatching(
          /^2 settings \((log_statement, session_preload_libraries|session_preload_libraries, log_statement)\): .*mover may not/,
        ),
      },
    ]);
    await bench.correct(findings[0], database);
    expect(await bench.check(databaseSettings, { database })).toEqual([]);
  });

  test("one that the target's version does not know", async () => {
    const older = await RuleBench.start({ major: 12 }, { major: 17 });
    try {
      const database = await older.newDatabase();
      await older.source.query(
        `alter database ${quoteIdentifier(database)} set vacuum_cleanup_index_scale_factor = 0.2`,
      );
      expect(await older.check(databaseSettings, { database })).toEqual([
        {
          state: "Warning",
          message: expect.stringMatching(/^Setting vacuum_cleanup_index_scale_factor: .*no such parameter/),
        },
      ]);
    } finally {
      await older.stop();
    }
  });
});

// Debian's 15 has lz4, the servers from npm have not.
test.skipIf(!availableMajors().includes(15))("a column compressed by a method that the target lacks", async () => {
  const withLz4 = await RuleBench.start({ major: 15 }, { major: 17 });
  try {
    await withLz4.prove(compression, {
      plant: `create table public.doc (id int, "big body" text compression lz4, small text compression pglz)`,
      state: "Warning",
      names: [/Column public\.doc\."big body": compressed by lz4/],
    });
  } finally {
    await withLz4.stop();
  }
});

describe("event triggers of the source", () => {
  const loginTrigger = `
    create table public.login_log (who text);
    create function public.note_login() returns event_trigger language plpgsql security definer
      as $$ begin insert into public.login_log values (session_user); end $$;
    create event trigger "on login" on login execute function public.note_login();
    alter event trigger "on login" enable always;
    create function public.nothing() returns event_trigger language plpgsql as 'begin end';
    create event trigger tables_only on ddl_command_end when tag in ('CREATE TABLE') execute function public.nothing();
  `;

  test("one on login fires on our sessions until the user may keep it from firing", () =>
    bench.prove(sourceEventTriggers, {
      plant: loginTrigger,
      mode: "Offline",
      sourceUser: "ordinary",
      state: "Warning",
      names: [/^Event trigger "on login" \(login\): .*sessions on the source/],
      correctedOn: "source",
    }));

  test("before 17 one on publications is disabled for an online migration, and fires on no offline one", async () => {
    const older = await RuleBench.start({ major: 12 }, { major: 17 });
    try {
      const plant = `
        create function public.forbid() returns event_trigger language plpgsql as $$ begin raise exception 'no DDL here'; end $$;
        create event trigger "No DDL" on ddl_command_start execute function public.forbid();
      `;
      const { database } = await older.prove(sourceEventTriggers, {
        plant,
        mode: "Online",
        sourceUser: "ordinary",
        state: "Warning",
        names: [/^Event trigger "No DDL" \(ddl_command_start\): .*publications/],
        correctedOn: "source",
      });
      await older.source.query('alter event trigger "No DDL" enable', { database });
      expect(await older.check(sourceEventTriggers, { database, mode: "Offline", sourceUser: "ordinary" })).toEqual([]);
      // A superuser's session is a replica's when it creates publications: what is enabled for those fires all the same.
      expect(await older.check(sourceEventTriggers, { database, mode: "Online" })).toEqual([]);
      await older.source.query('alter event trigger "No DDL" enable always', { database });
      expect(await older.check(sourceEventTriggers, { database, mode: "Online" })).toHaveLength(1);
    } finally {
      await older.stop();
    }
  });
});

test("what an earlier migration has left in the source, and not what is the user's by a like name", async () => {
  const { finding } = await bench.prove(leftovers, {
    plant: `
      create schema _pgmig;
      create table _pgmig.ledger (part_id int, rows bigint, bytes bigint, instance text, finished_at timestamptz);
      create table _pgmig.statement_ledger (id text, object text, instance text, finished_at timestamptz);
      create schema _pgmig_2;
      create table _pgmig_2.mine (id int);
      create publication pgmig_shop_0123456789ab_1;
      create publication pgmig_mine;
    `,
    state: "Warning",
    names: [/^2 objects \(schema _pgmig, publication pgmig_shop_0123456789ab_1\)/],
    correctedOn: "source",
  });
  expect(finding.message).not.toMatch(/_pgmig_2|pgmig_mine/);
});

test("owners that the target's user may not SET ROLE to", async () => {
  for (const server of [bench.source, bench.target])
    await server.query('create role "Shop Owner"; create role keeper; create role absent_there');
  await bench.target.query('drop role absent_there; grant "Shop Owner" to mover with set false');
  await bench.prove(ownerMembership, {
    plant:
      'create table public.a (); alter table public.a owner to "Shop Owner"; create table public.b (); alter table public.b owner to keeper; create table public.c (); alter table public.c owner to absent_there',
    state: "Warning",
    names: [/^2 roles \("Shop Owner", keeper\): .*mover/],
    correctedOn: "target",
  });
});

describe("names without their schema", () => {
  test("a function of an index, and one of a generated column, that call others by their bare names", async () => {
    const { finding } = await bench.prove(unqualifiedNames, {
      plant: `
        create extension unaccent;
        create function public.plain(text) returns text language sql immutable as $$ select unaccent($1) $$;
        create function public.known(text) returns boolean language plpgsql immutable as $$ begin return exists (select from ordinary where note = $1); end $$;
        create function public.fine(text) returns text language sql immutable as $$ select lower(public.unaccent($1)) /* unaccent( */ || 'unaccent(' -- plain(
        $$;
        create function public.own_path(text) returns text language sql immutable set search_path = public as $$ select unaccent($1) $$;
        create function public.unused(text) returns text language sql immutable as $$ select unaccent($1) $$;
        create table public.article (
          title text,
          folded text generated always as (public.plain(title)) stored,
          constraint own check (public.own_path(title) <> '')
        );
        create index on public.article (public.fine(title)) where public.known(title);
      `,
      state: "Warning",
      names: [
        /^2 functions \(public\.known\(text\) \(ordinary\), public\.plain\(text\) \(unaccent\)\)/,
        /SET search_path = "?public"?;/,
      ],
      correctedOn: "source",
    });
    expect(finding.message).not.toMatch(/fine|own_path|unused/);
  });

  test("a body that the server keeps parsed needs no search_path", async () => {
    const database = await bench.newDatabase();
    await bench.plant(
      `create function public.one(text) returns text language sql immutable as 'select $1';
       create function public.two(t text) returns text language sql immutable begin atomic select public.one(t); end;
       create index on public.ordinary (public.two(note))`,
      database,
    );
    expect(await bench.check(unqualifiedNames, { database })).toEqual([]);
  });
});
