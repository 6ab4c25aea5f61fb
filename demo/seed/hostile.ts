import pg from "pg";
import { createRoles, inNewDatabase, type SeedServer } from "./seed-server.js";

/** 63 bytes of a name, the longest there can be, with a character of several bytes at the end. */
function fill(name: string): string {
  const room = 63 - Buffer.byteLength(name);
  return `${name}${"x".repeat(Math.max(0, room - 4))}🐘`;
}

/** Names that break whatever splices them into SQL, a path, a URL, a table key or a log line. */
export const hostileNames = {
  database: `ho"st'ile. %2F\\/?#🐘`,
  role: `own"er 'of. it🐘`,
  schema: `sch"ema.with 'all' of\nit \\ % 🐘`,
  tables: [
    `ta"ble`,
    `ta.ble.with.dots`,
    `line\nbreak\r\nand\ttab`,
    `'; drop table x; --`,
    `100% \\ back\\slash`,
    `%s %I $1 \${x} {{y}}`,
    `SELECT`,
    `user`,
    `UPPER lower`,
    ` leading and trailing `,
    `🐘🦣`,
    fill(`long `),
    `/slash?and#hash|pipe`,
    `$$dollar$$`,
    `\u00e9 \u0065\u0301`,
  ],
} as const;

const columns = [`co"lumn`, `c.d`, `a\nb`, `from`, `T`, `t`, `%d`, `back\\slash`, `🐘`, fill(`column `)] as const;

const everyType = `
  create type public."Comp osite" as ("a ""b""" integer, "c,d" text, e integer[]);
  create type public."en'um" as enum ('a', 'it''s', 'with "quotes"', 'with, comma', 'with \\backslash', '');
  create table public.every_type (
    id text primary key,
    truth boolean, small smallint, whole integer, large bigint,
    exact numeric, exact_scaled numeric(20, 5), single real, double_one double precision, cash money,
    fixed char(10), limited varchar(40), free text, internal_name name, one_byte "char",
    bytes bytea, bits bit(11), many_bits bit varying,
    day date, clock time, clock_zoned timetz, moment timestamp, moment_zoned timestamptz, span interval,
    address inet, network cidr, hardware macaddr, hardware8 macaddr8,
    spot point, stretch lseg, rect box, way path, area polygon, round circle, endless line,
    doc json, docb jsonb, markup xml, words tsvector, search tsquery, identity uuid,
    whole_range int4range, num_range numrange, span_range tstzrange, day_range daterange,
    texts text[], matrix integer[][], shifted integer[], composite public."Comp osite", composites public."Comp osite"[],
    choice public."en'um", choices public."en'um"[], reference regclass, kind regtype, position pg_lsn, txids txid_snapshot
  );
  insert into public.every_type (id) values ('all null');
  insert into public.every_type values (
    'ordinary',
    true, -32768, 2147483647, -9223372036854775808,
    123456789012345678901234567890.123456789012345678901234567890, -0.00001, 1.1754944e-38, 1.7976931348623157e308, '-12345.67',
    'pad', 'żółć', E'tab\\tcr\\rlf\\ncrlf\\r\\nbackslash\\\\ \\\\N \\\\. end', 'name', 'x',
    decode('00ff5c275c786465', 'hex'), b'10101010101', b'',
    '4713-01-01 BC', '24:00:00', '23:59:59.999999-15:59', '294276-12-31 23:59:59.999999', '2024-03-31 02:30:00+14', '-178000000 years 5 mons -3 days 04:05:06.789',
    '::ffff:1.2.3.4/96', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05',
    '(1.5,-2)', '[(0,0),(1,1)]', '(2,2),(1,1)', '[(0,0),(1,1),(2,0)]', '((0,0),(1,1),(2,0))', '<(1,2),3>', '{1,-1,0}',
    '{"b":1,  "a":[1,2,{"x":null}],"b":2}', '{"b":1,"a":"\\u0041\\"\\\\"}', '<a b="c">text &amp; <![CDATA[raw]]></a>',
    '''it''''s'':1A quick:2B,5', '!fat & (rat | ''cat''''s'':AB*)', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
    '[1,10)', '(,5.5]', '[2024-01-01 00:00+00,infinity)', 'empty',
    array['NULL', null, '', '"', '\\', '{}', ',', ' ', E'\\n'], '{{1,2},{3,null}}', '[-1:1]={1,2,3}',
    row(1, 'x,y"z\\', array[1, null]), array[row(null, null, null)::public."Comp osite", null],
    'it''s', array['', 'with "quotes"', null]::public."en'um"[], 'pg_class', 'integer', '16/B374D848', '10:20:10,14,15'
  );
  insert into public.every_type (id, exact, single, double_one, day, moment, moment_zoned, span, free, texts, bytes, docb) values
    ('not a number', 'NaN', 'NaN', 'NaN', 'infinity', 'infinity', 'infinity', '0', '', '{}', '', 'null'),
    ('below', 0, '-infinity', '-infinity', '-infinity', '-infinity', '-infinity', '-0', '\\N', array[null]::text[], '\\x00', '""'),
    ('above', -0.0, 'infinity', 'infinity', '5874897-12-31', '4713-01-01 BC', '4713-01-01 BC', '1 mon -1 day', 'NULL', '{NULL,"NULL"}', '\\x5c2e0a', '{}'),
    (E'\\\\.', 1e-100, '-0', '-0', '0001-01-01', '1970-01-01', '1970-01-01', '00:00:00.000001', E'\\\\.', array['\\.'], '\\x5c5c', '[]'),
    ('control', 1e300, 1e-45, 5e-324, '2000-01-01', '2000-01-01', '2000-01-01', '1 year', E'\\x01\\x02\\x7f\\u0080\\ufeff\\u2028', '{}', '\\x01', '{"":""}');
`;

// Random hexadecimal halves under compression at best; 20 MB of it goes out of line in ten thousand chunks.
const largeValues = `
  create table public.large_values (id integer primary key, body text, raw bytea);
  alter table public.large_values alter column raw set storage external;
  insert into public.large_values
  select n, (select string_agg(md5(i::text || n), '') from generate_series(1, $kilobytes * 32) as i), null
  from generate_series(1, 2) as n;
  insert into public.large_values
  select 3, null, decode((select string_agg(md5(i::text), '') from generate_series(1, $kilobytes * 16) as i), 'hex');
  insert into public.large_values values (4, repeat('compresses well ', 100000), ''), (5, '', null);
`;

const oddTables = `
  create table public.no_columns ();
  insert into public.no_columns default values;
  insert into public.no_columns default values;
  insert into public.no_columns default values;
  create table public.no_columns_no_rows ();
  create table public.no_rows (id integer primary key, note text);
  create table public.one_dropped (a integer, b text, c integer generated always as (a * 2) stored);
  insert into public.one_dropped (a, b) select n, 'b' || n from generate_series(1, 100) as n;
  alter table public.one_dropped drop column b;
  alter table public.one_dropped add column d text default 'added';
  create table public.only_generated (always_one integer generated always as (1) stored);
  insert into public.only_generated default values;
  insert into public.only_generated default values;
  create table public.all_dropped (x integer);
  insert into public.all_dropped values (1), (2);
  alter table public.all_dropped drop column x;
  create table public.identity_always (id bigint generated always as identity, v text);
  insert into public.identity_always (v) select 'v' || n from generate_series(1, 10) as n;
  insert into public.identity_always (id, v) overriding system value values (-5, 'below zero');
  create table public.mostly_dead (id integer, filler text);
  insert into public.mostly_dead select n, repeat('x', 500) from generate_series(1, 20000) as n;
  delete from public.mostly_dead where id % 100 <> 0;
  create sequence public.never_called start 5;
  create sequence public.downwards increment -3 minvalue -1000 maxvalue 10 start 10;
  select nextval('public.downwards'), nextval('public.downwards');
  create sequence public.tiny as smallint;
  select setval('public.tiny', 32767);
`;

/**
 * A database of names and values that go wrong in careless hands. `largeValueMegabytes`, default 20, is the size of one field.
 * Answers the database's name.
 */
export async function seedHostile(
  server: SeedServer,
  options: { database?: string; largeValueMegabytes?: number } = {},
): Promise<string> {
  const database = options.database ?? hostileNames.database;
  const id = pg.escapeIdentifier;
  const kilobytes = Math.round((options.largeValueMegabytes ?? 20) * 1024);
  await createRoles(server, [hostileNames.role]);
  await inNewDatabase(server, database, async (client) => {
    await client.query(everyType);
    await client.query(largeValues.replaceAll("$kilobytes", String(kilobytes)));
    await client.query(oddTables);
    const schema = id(hostileNames.schema);
    await client.query(`create schema ${schema} authorization ${id(hostileNames.role)}`);
    await client.query(`comment on schema ${schema} is 'a comment ''with'' a line\nbreak; and \\ backslash'`);
    for (const [index, table] of hostileNames.tables.entries()) await makeHostileTable(client, schema, table, index);
    await client.query(`alter database ${id(database)} set work_mem = '5MB'`);
  });
  return database;
}

/** Roles that the target must have for ownership to be carried over. */
export async function prepareHostileTarget(server: SeedServer): Promise<void> {
  await createRoles(server, [hostileNames.role]);
}

async function makeHostileTable(client: pg.Client, schema: string, name: string, index: number): Promise<void> {
  const id = pg.escapeIdentifier;
  const table = `${schema}.${id(name)}`;
  const short = (prefix: string) =>
    id(
      Buffer.from(`${prefix}${name}`)
        .subarray(0, 56)
        .toString()
        .replace(/\ufffd/g, ""),
    );
  const [first, ...rest] = columns;
  const textColumns = rest.map((column) => `${id(column)} text default ${pg.escapeLiteral(`default of ${column}`)}`);
  await client.query(`
    create table ${table} (
      ${id(first)} integer generated by default as identity primary key,
      ${textColumns.join(", ")},
      constraint ${short("check ")} check (${id("T")} is distinct from ${id("t")} or ${id("t")} is null)
    );
    create index ${short("index ")} on ${table} (${id("T")}, lower(${id("🐘")})) where ${id("from")} is not null;
    comment on column ${table}.${id("a\nb")} is 'line\nbreak';
    create sequence ${schema}.${short("seq ")};
    select setval('${`${schema}.${short("seq ")}`.replaceAll("'", "''")}', ${index + 41});
    create view ${schema}.${short("view ")} as select * from ${table};
    insert into ${table} (${id("T")}, ${id("from")}, ${id("%d")})
    select 'upper ' || n, case when n % 2 = 0 then E'\\\\N' else null end, E'row ' || n || E'\\t\\n\\r\\\\'
    from generate_series(1, ${index * 10}) as n;
  `);
  if (index % 3 === 0) await client.query(`alter table ${table} owner to ${id(hostileNames.role)}`);
  if (index > 0) {
    const parent = `${schema}.${id(hostileNames.tables[index - 1] ?? "")}`;
    await client.query(`
      alter table ${table} add column ${id("refers to")} integer;
      alter table ${table} add constraint ${short("fk ")} foreign key (${id("refers to")}) references ${parent};
    `);
  }
}
