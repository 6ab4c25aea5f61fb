import { afterAll, beforeAll, expect, test } from "vitest";
import type { EmbeddedServer } from "../../local/embedded-server.js";
import { offlineMigration } from "../../local/migration-client.js";
import { Stage } from "../fixtures/stage.js";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open({ source: { major: 17 }, target: { major: 18 } });
}, 120_000);
afterAll(async () => await stage?.close());

/** Statements whose characters are sent as one byte each: the driver sends no other text than UTF-8. */
async function runBytes(server: EmbeddedServer, database: string, sql: string): Promise<void> {
  const digits = Buffer.from(sql, "latin1").toString("hex");
  const statement = `do $$ begin execute convert_from(decode('${digits}', 'hex'), 'SQL_ASCII'); end $$`;
  await server.query(statement, { database });
}

/** What the server has, in hexadecimal digits. */
const everything = `
  select encode(convert_to(text, 'SQL_ASCII'), 'hex') as bytes
  from (
    select pg_get_expr(adbin, adrelid) as text from pg_attrdef
    union all select prosrc from pg_proc where proname = 'greet'
    union all select obj_description('kunde'::regclass)
    union all select pg_get_viewdef('v'::regclass)
    union all select pg_get_indexdef(indexrelid) from pg_index where indrelid = 'kunde'::regclass and indpred is not null
    union all select enumlabel from pg_enum
    union all select t::text from kunde as t
    union all select c::text from coloured
    union all select conname || pg_get_constraintdef(oid) from pg_constraint where contype = 'c'
  ) as texts
  order by 1
`;

test("a SQL_ASCII database arrives byte for byte, in its schema too", async () => {
  const { client, source, target } = stage;
  await source.query("create database ascii encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C' template template0");
  for (const sql of [
    "create table kunde (id int primary key, name text default 'unbek\xe4nnt', note text, constraint \"gr\xf6\xdfe\" check (note <> '\xe9\\x'))",
    "insert into kunde (id, note) values (1, 'M\xfcller'), (2, 'plain'), (3, '\xe9\xff')",
    "create function greet() returns text language sql as $f$select 'Gr\xfc\xdfe'::text -- $bytes$ '' $f$",
    "comment on table kunde is 'Kundenstamml\xf6sung'",
    "create view v as select id, 'Stra\xdfe'::text as s from kunde",
    "create index on kunde (id) where note <> '\xe9'",
    "create type colour as enum ('gr\xfcn', 'rot')",
    "create table coloured (id int, c colour)",
    "insert into coloured values (1, 'gr\xfcn'), (2, 'rot')",
  ]) {
    await runBytes(source, "ascii", sql);
  }
  await client.start("ascii", offlineMigration(source, target, ["ascii"]));
  const end = await client.waitForEnd("ascii");
  expect(end.properties.currentStatus).toMatchObject({ state: "Succeeded" });
  const arrived = await target.query<{ bytes: string }>(everything, { database: "ascii" });
  expect(arrived).toEqual(await source.query(everything, { database: "ascii" }));
  expect(arrived.filter(({ bytes }) => /[89a-f][0-9a-f]/.test(bytes)).length).toBeGreaterThanOrEqual(10);
});
