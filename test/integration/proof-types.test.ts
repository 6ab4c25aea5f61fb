/** The canonical form: the same values have the same checksum on servers of any versions, and other values have another one. */
import { pipeline } from "node:stream/promises";
import type pg from "pg";
import { from as copyFrom, to as copyTo } from "pg-copy-streams";
import { afterAll, describe, expect, test } from "vitest";
import { EmbeddedServer } from "../../local/embedded-server.js";
import { availableMajors, type Major } from "../../local/server-binaries.js";
import { connect } from "../../shared/postgres/connect.js";
import { serverVersion } from "../../shared/postgres/source-tables.js";
import { canonicalRows } from "../../shared/proof/canonical-row.js";
import { tally } from "../../shared/proof/tally.js";
import { unstorableTypes, valuesOfTypes } from "../fixtures/type-values.js";

const servers = new Map<Major, Promise<EmbeddedServer>>();
function server(major: Major): Promise<EmbeddedServer> {
  const known = servers.get(major) ?? EmbeddedServer.start({ major });
  servers.set(major, known);
  return known;
}
afterAll(async () => {
  for (const one of servers.values()) await (await one).stop();
});

async function open(one: EmbeddedServer, database: string): Promise<pg.Client> {
  const endpoint = { host: one.host, port: one.port, user: one.user, sslMode: "Prefer" } as const;
  return await connect({ endpoint, password: one.password, database, applicationName: "test" });
}

const builtInTypes = `
  select t.typname::text as name
  from pg_catalog.pg_type as t
  where t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace
    and t.typtype in ('b', 'r', 'm', 'e', 'd')
    and (t.typcategory <> 'A' or t.typname in ('int2vector', 'oidvector'))
  order by 1
`;

/** Tables, each with what a column of one built-in type can be inside of. */
async function createTables(source: pg.Client, target: pg.Client): Promise<{ name: string; columns: string[] }[]> {
  const types = (await source.query<{ name: string }>(builtInTypes)).rows.map(({ name }) => name);
  const tables: { name: string; columns: string[] }[] = [];
  for (const name of types.filter((one) => !unstorableTypes.includes(one))) {
    const values = valuesOfTypes[name];
    expect(values, `values of type ${name}`).toBeDefined();
    const type = `pg_catalog."${name}"${name === "bit" ? "(1)" : ""}`;
    const ranged = ["float4", "float8"].includes(name);
    const hasArrays = !["int2vector", "oidvector"].includes(name);
    const ddl = `
      create domain public."d_${name}" as ${type};
      create type public."c_${name}" as (v ${type}, n int);
      ${ranged ? `create type public."r_${name}" as range (subtype = ${type});` : ""}
      create table public."t_${name}" (
        id int,
        v ${type},
        d public."d_${name}",
        c public."c_${name}",
        ca public."c_${name}"[]
        ${hasArrays ? `, a ${type}[]` : ""}
        ${ranged ? `, r public."r_${name}", ra public."r_${name}"[]` : ""}
      );
    `;
    await source.query(ddl);
    await target.query(ddl);
    let stored = 0;
    for (const value of values ?? []) {
      const insert = `
        insert into public."t_${name}" select
          ${stored}, x, x, row(x, 1)::public."c_${name}", array[row(x, 1)::public."c_${name}", null, row(null, null)::public."c_${name}"]
          ${hasArrays ? ", array[array[x, x], array[x, null]]" : ""}
          ${ranged ? `, public."r_${name}"(least(x, '0'), x, '[]'), array[public."r_${name}"(null, x), 'empty', null]` : ""}
        from (select $1::text::${type} as x) as v
      `;
      // What one version knows, an older one may not: the value is left out there.
      await source.query(insert, [value]).then(
        () => stored++,
        (error: pg.DatabaseError) => expect(error.code, `${name} ${value}: ${error.message}`).toMatch(/^(22|42)/),
      );
    }
    expect(stored, `stored values of ${name}`).toBeGreaterThan(0);
    await source.query(`insert into public."t_${name}" (id) values (-1)`);
    const columns = ["id", "v", "d", "c", "ca", ...(hasArrays ? ["a"] : []), ...(ranged ? ["r", "ra"] : [])];
    tables.push({ name: `t_${name}`, columns });
  }
  return tables;
}

/** In the caller's transaction. */
async function checksumsWithin(
  client: pg.Client,
  rows: readonly { expression: string }[],
  tables: readonly { name: string; columns: readonly string[] }[],
): Promise<Record<string, string>> {
  const slices = tables.map(({ name, columns }, index) => ({
    slice: {
      schema: "public",
      table: name,
      columns,
      rowFilter: undefined,
      firstBlock: undefined,
      endBlock: undefined,
      parts: 1,
    },
    canonicalRow: rows[index]?.expression,
  }));
  const tallies = await tally(client, slices, { version: await serverVersion(client), limitMs: 60_000 });
  return Object.fromEntries(
    tables.map(({ name }, index) => [name, `${tallies?.[index]?.rows} rows, ${tallies?.[index]?.checksum}`]),
  );
}

async function checksums(...of: Parameters<typeof checksumsWithin>): Promise<Record<string, string>> {
  const [client] = of;
  await client.query("begin");
  const found = await checksumsWithin(...of);
  await client.query("commit");
  return found;
}

const pairs: readonly [Major, Major][] = [
  [11, 17],
  [12, 18],
  [15, 17],
  [17, 18],
  [11, 12],
];

describe.each(pairs)("from %i to %i", (from, to) => {
  test.skipIf(!availableMajors().includes(from) || !availableMajors().includes(to))(
    "every built-in type, in domains, composites, arrays and ranges, has the same checksum",
    async () => {
      const [one, other] = [await server(from), await server(to)];
      const database = `types_${from}_${to}`;
      await one.query(`create database ${database} template template0`);
      await other.query(`create database ${database} template template0`);
      const [source, target] = await Promise.all([open(one, database), open(other, database)]);
      try {
        const tables = await createTables(source, target);
        const unreadable: string[] = [];
        for (const { name } of tables) {
          const incoming = target.query(copyFrom(`copy public."${name}" from stdin`));
          await pipeline(source.query(copyTo(`copy public."${name}" to stdout`)), incoming).catch(() =>
            unreadable.push(name),
          );
        }
        const readable = tables.filter(({ name }) => !unreadable.includes(name));
        // A jsonpath of 12 that multiplies a number's member ("1.a") is text that later versions refuse.
        expect(unreadable.filter((name) => name !== "t_jsonpath")).toEqual([]);
        const versions = { sourceVersion: await serverVersion(source), targetVersion: await serverVersion(target) };
        const named = readable.map(({ name, columns }) => ({ schema: "public", name, columns }));
        const rows = await canonicalRows(source, named, versions);
        const before = await checksums(target, rows, readable);
        expect(before).toEqual(await checksums(source, rows, readable));
        expect(rows.flatMap(({ foreignColumns }) => foreignColumns)).toEqual([]);
        // A null where a value was is another row, of whatever type.
        for (const column of ["v", "d", "c", "ca"]) {
          await target.query("begin");
          for (const { name } of readable) {
            await target.query(`update public."${name}" set ${column} = null where id = 0`);
          }
          const slices = await checksumsWithin(target, rows, readable);
          for (const { name } of readable) expect(slices[name], `${name}.${column}`).not.toBe(before[name]);
          await target.query("rollback");
        }
      } finally {
        await Promise.all([source.end(), target.end()]);
      }
    },
  );
});
