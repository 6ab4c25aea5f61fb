/** Settings of databases and roles that once changed what arrives: dates, intervals, backslashes, arrays, XML. */
import { afterEach, describe, expect, test } from "vitest";
import { offlineMigration } from "../../local/migration-client.js";
import { Stage } from "../fixtures/stage.js";

let stage: Stage | undefined;
afterEach(async () => {
  await stage?.close();
  stage = undefined;
});

interface Case {
  readonly database: string;
  readonly setup: string;
  readonly settings: Readonly<Record<string, string>>;
  /** One row, whose columns must be the same on both sides in a session of ours. */
  readonly shown: string;
  readonly expected: Readonly<Record<string, unknown>>;
}

const bookings = `
  create table booking (id int primary key, day date, at timestamp, span interval, tz timestamptz);
  insert into booking values
    (1, '2024-02-01', '2024-03-05 10:00', interval '1 day' - interval '2 hours', '2024-05-06 12:00:00+05:30'),
    (2, '2023-12-11', '2023-10-09 23:59:59.5', '-1 day +02:03:04', '2024-01-02 00:00+00'),
    (3, '0044-03-15 BC', '0044-03-15 12:00 BC', '-2 days -03:00:00', '2024-05-06 13:00+00');
`;
const shownBookings = `
  select
    string_agg(to_char(day, 'YYYY-MM-DD BC'), ',' order by id) as days,
    string_agg(((extract(epoch from at) * 1000)::bigint)::text, ',' order by id) as at,
    string_agg(((extract(epoch from span) * 1000)::bigint)::text, ',' order by id) as spans,
    string_agg((tz = (select tz from booking as b where b.id = 3))::text, ',' order by id) as third
  from booking
`;

function bookingsUnder(database: string, settings: Readonly<Record<string, string>>): Case {
  return { database, setup: bookings, settings, shown: shownBookings, expected: {} };
}

const shift: Case = {
  database: "intervalstyle",
  setup: `
    create table shift (id int primary key, span interval);
    insert into shift values
      (1, interval '1 day' - interval '2 hours'), (2, '-1 day +02:03:04'), (3, '-2 days -03:00:00'),
      (4, '-1 year -2 mons +3 days'), (5, '1 mon -1 day');
  `,
  settings: { IntervalStyle: "sql_standard" },
  shown: "select array_agg(extract(epoch from span)::int order by id) as seconds from shift",
  expected: { seconds: [79_200, -79_016, -183_600, -36_482_400, 2_505_600] },
};

const part: Case = {
  database: "scs",
  setup: String.raw`
    create table part (id int primary key, path text default 'C:\temp\new', code text);
    alter table part add constraint code_ok check (code !~ '^\s*$');
    create view paths as select id, 'C:\dir\' || code as p from part;
    create index part_digits on part (id) where code ~ '^\d+$';
    insert into part (id, code) values (1, '123'), (2, 'abc');
  `,
  settings: { standard_conforming_strings: "off" },
  shown: `
    select
      (select array_agg(path order by id) from part) as paths,
      (select array_agg(p order by id) from paths) as view,
      (select pg_get_constraintdef(oid) from pg_constraint where conname = 'code_ok') as checked,
      pg_get_expr(indpred, indrelid) as predicate
    from pg_index
    where indexrelid = 'part_digits'::regclass
  `,
  expected: {
    paths: [String.raw`C:\temp\new`, String.raw`C:\temp\new`],
    view: [String.raw`C:\dir\123`, String.raw`C:\dir\abc`],
    checked: String.raw`CHECK ((code !~ '^\s*$'::text))`,
    predicate: String.raw`(code ~ '^\d+$'::text)`,
  },
};

describe("settings of the source's databases", () => {
  test.each([
    [
      17,
      18,
      [
        bookingsUnder("datestyle", { DateStyle: "SQL, DMY" }),
        bookingsUnder("german", { DateStyle: "German" }),
        bookingsUnder("tzabbrev", { DateStyle: "Postgres, MDY", TimeZone: "Asia/Kolkata" }),
        shift,
        part,
      ],
    ],
    [12, 17, [bookingsUnder("german", { DateStyle: "German" })]],
  ] as const)(
    "change no value and no literal, %i → %i",
    async (from, to, cases: readonly Case[]) => {
      stage = await Stage.open({ source: { major: from }, target: { major: to } });
      for (const { database, setup, settings } of cases) {
        await stage.source.query(`create database ${database}`);
        await stage.source.query(setup, { database });
        for (const [name, value] of Object.entries(settings)) {
          await stage.source.query(`alter database ${database} set ${name} = '${value}'`);
        }
      }
      await stage.client.start(
        "settings",
        offlineMigration(
          stage.source,
          stage.target,
          cases.map(({ database }) => database),
        ),
      );
      const { currentStatus } = (await stage.client.waitForEnd("settings")).properties;
      expect(currentStatus.state, JSON.stringify(currentStatus)).toBe("Succeeded");
      for (const { database, shown, expected } of cases) {
        // What is shown must not be written as the settings have it.
        for (const server of [stage.source, stage.target]) await server.query(`alter database ${database} reset all`);
        const arrived = await stage.target.query(shown, { database });
        expect(arrived, database).toEqual(await stage.source.query(shown, { database }));
        expect(arrived, database).toMatchObject([expected]);
        expect(await stage.differences(database)).toEqual([]);
      }
    },
    120_000,
  );
});

const values = String.raw`
  create table t (id serial primary key, x xml, a text[], s text check (s <> 'a\b'), d date default '2020-01-02', i int[]);
  insert into t (x, a, s, i) values ('<a>x</a>text<b/>', array[null, 'NULL'], 'c\d', array[1, null]);
  create index t_words on t (id) where s ~ '^\w\\d$';
  create view v as select 'x\y'::text as y;
  create table large (id int, v text);
  insert into large select n, n::text from generate_series(1, 20000) as n;
  create index large_digits on large (id) where v ~ '^\d';
  create index large_ends on large (id) where v = '\';
`;
const shownValues = `
  select
    (select array_agg(pg_get_indexdef(indexrelid) order by indexrelid::regclass::text) from pg_index where indrelid in ('t'::regclass, 'large'::regclass)) as indexes,
    (select y from v) as y,
    x::text as x, a, i, s,
    a[1] is null as first_is_null
  from t
`;

describe("settings of the target's user", () => {
  // An index of a table above a quarter of PART_SIZE_MB is built by a detached statement.
  const service = { settings: { PART_SIZE_MB: "0.5" } };

  test.each([
    [17, 18, ["xmloption = document", "array_nulls = off", "standard_conforming_strings = off"]],
    [12, 17, ["standard_conforming_strings = off"]],
  ] as const)(
    "change neither what COPY reads nor what indexes are of, %i → %i",
    async (from, to, settings: readonly string[]) => {
      stage = await Stage.open({ source: { major: from }, target: { major: to }, service });
      await stage.source.query("create database app");
      await stage.source.query(values, { database: "app" });
      const there = await stage.source.query(shownValues, { database: "app" });
      for (const setting of settings) {
        await stage.target.query("alter role postgres reset all");
        await stage.target.query(`alter role postgres set ${setting}`);
        const name = setting.replaceAll(/[^a-z]+/g, "-");
        await stage.client.start(name, offlineMigration(stage.source, stage.target, ["app"]));
        const end = await stage.client.waitForEnd(name);
        await stage.target.query("alter role postgres reset all");
        const { currentStatus } = end.properties;
        expect(currentStatus.state, `${setting}: ${JSON.stringify(currentStatus)}`).toBe("Succeeded");
        expect(await stage.target.query(shownValues, { database: "app" }), setting).toEqual(there);
      }
      expect(there[0]).toMatchObject({ first_is_null: true, x: "<a>x</a>text<b/>", a: [null, "NULL"], i: [1, null] });
    },
    120_000,
  );
});
