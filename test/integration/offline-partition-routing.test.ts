import { afterAll, beforeAll, expect, test } from "vitest";
import { offlineMigration } from "../../local/migration-client.js";
import { Stage } from "../fixtures/stage.js";

let stage: Stage;
beforeAll(async () => {
  // Parts of one block: a leaf of some size travels in several parts and tasks.
  stage = await Stage.open({
    source: { major: 17 },
    target: { major: 18 },
    service: { settings: { PART_SIZE_MB: "0.008" } },
  });
});
afterAll(() => stage?.close());

async function migrate(database: string, sql: string): Promise<{ state: string; error: string | undefined }> {
  const { source, target, client } = stage;
  await source.query(`create database ${database} template template0`);
  await source.query(sql, { database });
  await client.start(database.replaceAll("_", "-"), offlineMigration(source, target, [database]));
  const end = await client.waitForEnd(database.replaceAll("_", "-"));
  const { state, error } = end.properties.currentStatus;
  return { state, error: error ?? undefined };
}

/** Every row of a tree, with the leaf that it is in on each side. */
async function rowsByLeaf(database: string, table: string): Promise<{ moved: number; source: string; target: string }> {
  const sql = `select t::text as row, tableoid::regclass::text as leaf from ${table} as t order by t::text, 2`;
  const [source, target] = await Promise.all([
    stage.source.query<{ row: string; leaf: string }>(sql, { database }),
    stage.target.query<{ row: string; leaf: string }>(sql, { database }),
  ]);
  const moved = source.filter(({ leaf }, index) => target[index]?.leaf !== leaf).length;
  const rows = (side: typeof source) => side.map(({ row }) => row).join("\n");
  return { moved, source: rows(source), target: rows(target) };
}

test("a table that is hash-partitioned by an enum arrives whole, its rows where the target's hashes put them", async () => {
  const { state, error } = await migrate(
    "hash_enum",
    `
      create type color as enum ('red', 'green', 'blue', 'cyan');
      create table ev (id int, c color) partition by hash (c);
      create table ev0 partition of ev for values with (modulus 3, remainder 0);
      create table ev1 partition of ev for values with (modulus 3, remainder 1);
      create table ev2 partition of ev for values with (modulus 3, remainder 2);
      insert into ev select g, (enum_range(null::color))[1 + g % 4] from generate_series(1, 4000) as g;
      create index on ev (id);
    `,
  );
  expect({ state, error }).toEqual({ state: "Succeeded", error: undefined });
  const rows = await rowsByLeaf("hash_enum", "public.ev");
  expect(rows.target).toBe(rows.source);
  const tables = await stage.client.tables("hash-enum");
  expect(new Set(tables.map(({ verified }) => verified))).toEqual(new Set(["Checksums"]));
  // One tree, one checksum: its leaves are proven together.
  expect(new Set(tables.map(({ checksum }) => checksum)).size).toBe(1);
});

test("only the subtree whose routing may differ is loaded through its root, and its leaves may have columns in another order", async () => {
  const { state, error } = await migrate(
    "subtrees",
    `
      create type size as enum ('s', 'm', 'l');
      create domain fitted as size not null;
      create type pair as (a int, b size);
      create table sold (day date not null, s fitted, n int, both_of double precision) partition by range (day);
      create table sold_2025 partition of sold for values from ('2025-01-01') to ('2026-01-01');
      create table sold_2026 (n int, gone text, both_of double precision, s fitted, day date not null) partition by hash (s);
      alter table sold_2026 drop column gone;
      alter table sold attach partition sold_2026 for values from ('2026-01-01') to ('2027-01-01');
      create table sold_2026_0 partition of sold_2026 for values with (modulus 2, remainder 0);
      create table sold_2026_1 (both_of double precision, s fitted, day date not null, n int);
      alter table sold_2026 attach partition sold_2026_1 for values with (modulus 2, remainder 1);
      insert into sold
      select date '2025-06-01' + g % 400, (enum_range(null::size))[1 + g % 3], g, g / 7.0 from generate_series(1, 3000) as g;
      create table by_float (f double precision, id int) partition by hash (f);
      create table by_float_0 partition of by_float for values with (modulus 2, remainder 0);
      create table by_float_1 partition of by_float for values with (modulus 2, remainder 1);
      insert into by_float select g / 3.0, g from generate_series(1, 1000) as g;
      create table by_pair (p pair, id int) partition by hash (p);
      create table by_pair_0 partition of by_pair for values with (modulus 2, remainder 0);
      create table by_pair_1 partition of by_pair for values with (modulus 2, remainder 1);
      insert into by_pair select row(g, (enum_range(null::size))[1 + g % 3])::pair, g from generate_series(1, 1000) as g;
      create table by_class (r regclass, id int) partition by range (r);
      create table by_class_0 partition of by_class for values from (minvalue) to (100000000);
      create table by_class_1 partition of by_class for values from (100000000) to (maxvalue);
      insert into by_class values ('sold', 1), ('by_pair', 2), ('by_class', 3);
      create table plain (id int, t text) partition by hash (t);
      create table plain_0 partition of plain for values with (modulus 2, remainder 0);
      create table plain_1 partition of plain for values with (modulus 2, remainder 1);
      insert into plain select g, 'text ' || g from generate_series(1, 1000) as g;
    `,
  );
  expect({ state, error }).toEqual({ state: "Succeeded", error: undefined });
  for (const table of ["sold", "by_float", "by_pair", "by_class", "plain"]) {
    const rows = await rowsByLeaf("subtrees", `public.${table}`);
    expect(rows.target, table).toBe(rows.source);
  }
  const tables = await stage.client.tables("subtrees");
  const checksums = (prefix: string) =>
    new Set(tables.filter(({ tableName }) => tableName.startsWith(prefix)).map(({ checksum }) => checksum));
  expect(checksums("sold_2026_").size).toBe(1);
  // Text hashes alike everywhere: each leaf has been copied, and proven, on its own.
  expect(checksums("plain_").size).toBe(2);
});

test("a range of text in a collation of a provider's is loaded through its root", async () => {
  const { state, error } = await migrate(
    "by_collation",
    `
      create collation by_root (provider = icu, locale = 'und');
      create table people (name text collate by_root, id int) partition by range (name);
      create table people_a partition of people for values from (minvalue) to ('m');
      create table people_z partition of people for values from ('m') to (maxvalue);
      insert into people select chr(65 + g % 26) || g, g from generate_series(1, 2000) as g;
    `,
  );
  expect({ state, error }).toEqual({ state: "Succeeded", error: undefined });
  const rows = await rowsByLeaf("by_collation", "public.people");
  expect(rows.target).toBe(rows.source);
  const tables = await stage.client.tables("by-collation");
  expect(new Set(tables.map(({ checksum }) => checksum)).size).toBe(1);
});
