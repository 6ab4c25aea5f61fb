/** What is in a database, in a line: for a person who chooses what to migrate. */

import type { ServerLogin } from "../model/server-request.js";
import { ServiceError } from "../model/service-error.js";
import { withConnection } from "./connect.js";
import { userSchema } from "./user-objects.js";

const contentsOfDatabase = `
  with tables as (
    select
      n.nspname as schema_name,
      c.relname as table_name,
      pg_catalog.pg_table_size(c.oid) as bytes,
      c.relreplident = 'f' or exists (
        select
        from pg_catalog.pg_index as i
        where i.indrelid = c.oid
          and case c.relreplident when 'd' then i.indisprimary when 'i' then i.indisreplident else false end
      ) as identified
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind = 'r'
      and ${userSchema("n")}
  )
  select
    (select count(*)::int from tables) as tables,
    (select count(*)::int from tables where not identified) as tables_without_identity,
    (select count(*)::int from pg_catalog.pg_largeobject_metadata) as large_objects,
    largest.schema_name,
    largest.table_name,
    largest.bytes::text as largest_bytes,
    array(select extname::text from pg_catalog.pg_extension where extname <> 'plpgsql' order by extname) as extensions,
    array(select extversion from pg_catalog.pg_extension where extname <> 'plpgsql' order by extname) as versions
  from (values (1)) as one (row)
  left join (select * from tables order by bytes desc limit 1) as largest on true
`;

/** Asking for sizes must not hold anybody's wizard up. */
const limitMs = 15_000;

interface Contents {
  tables: number;
  tables_without_identity: number;
  large_objects: number;
  schema_name: string | null;
  table_name: string | null;
  largest_bytes: string | null;
  extensions: string[];
  versions: string[];
}

/** Tables, the largest of them (bytes, indexes not included), extensions; or why the database does not tell. */
export async function describeDatabase(login: ServerLogin, database: string) {
  try {
    return await withConnection(
      {
        ...login,
        database,
        applicationName: "migration service describe database",
        limitSeconds: (2 * limitMs) / 1_000,
        settings: { statement_timeout: `${limitMs}` },
      },
      async (client) => {
        const { rows } = await client.query<Contents>(contentsOfDatabase);
        const [row] = rows;
        if (row === undefined) throw new Error("A query without a from clause of its own answers one row.");
        return {
          name: database,
          tables: row.tables,
          tablesWithoutIdentity: row.tables_without_identity,
          largeObjects: row.large_objects,
          largestTable:
            row.schema_name === null
              ? undefined
              : { schemaName: row.schema_name, tableName: row.table_name, bytes: Number(row.largest_bytes) },
          extensions: row.extensions.map((name, index) => ({ name, version: row.versions[index] })),
        };
      },
    );
  } catch (error) {
    // One database that cannot be entered says nothing about the others.
    if (error instanceof ServiceError) return { name: database, error: { code: error.code, message: error.message } };
    const message = error instanceof Error ? error.message : String(error);
    return { name: database, error: { code: "DatabaseNotDescribed", message: `The source answered: ${message}.` } };
  }
}
