import { afterAll, beforeAll, expect, test } from "vitest";
import { compareDatabases, differences } from "../../demo/compare.js";
import { EmbeddedServer } from "../../local/embedded-server.js";

const schema = `
  create table t (t integer, "T x" text);
  insert into t values (1, 'one'), (2, null), (3, 'three');
  create table swapped (a integer, b integer);
  insert into swapped values (1, 2), (3, 4);
  create sequence s;
  select nextval('s');
`;

let server: EmbeddedServer;

beforeAll(async () => {
  server = await EmbeddedServer.start({ major: 17 });
});
afterAll(async () => await server?.stop());

async function differencesAfter(change: string): Promise<string[]> {
  for (const database of ["one", "other"]) {
    await server.query(`drop database if exists ${database}`);
    await server.query(`create database ${database}`);
    await server.query(schema, { database });
  }
  await server.query(change, { database: "other" });
  const clients = [await server.connect("one"), await server.connect("other")] as const;
  try {
    return differences(await compareDatabases(...clients));
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}

test("the order of rows makes no difference", async () => {
  const reordered =
    "create table c as select * from t order by t desc; truncate t; insert into t table c; drop table c";
  expect(await differencesAfter(reordered)).toEqual([]);
});

test.each([
  ["a changed value", "update t set \"T x\" = 'One' where t = 1", /^table public\.t: /],
  ["null for empty", "update t set \"T x\" = '' where t = 2", /^table public\.t: /],
  ["a missing row", "delete from t where t = 3", /source 3 rows.*target 2 rows/],
  ["a row twice", "insert into t select * from t where t = 1", /source 3 rows.*target 4 rows/],
  ["values that changed places", "update swapped set b = 6 - b", /^table public\.swapped: /],
  ["a missing table", "drop table swapped", /target missing/],
  ["a table too many", "create table left_behind ()", /^table public\.left_behind: source missing/],
  ["a sequence that went on", "select nextval('s')", /^sequence public\.s: source 1,true; target 2,true/],
])("the comparison notices %s", async (_what, change, expected) => {
  const found = await differencesAfter(change);
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(expected);
});
