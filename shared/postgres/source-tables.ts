/** What a source database holds that has to be copied row by row: its tables, and its large objects. */
import type { ClientBase } from "pg";
import { listReroutedTrees, type RelationAddress } from "./partition-routing.js";
import { userSchema } from "./user-objects.js";

export interface SourceTable {
  readonly schema: string;
  readonly name: string;
  /** Columns that a COPY carries: all but the dropped and the generated ones. */
  readonly columns: readonly string[];
  /** WHERE clause of an extension's configuration table (pg_extension.extcondition): only these rows are the user's. */
  readonly rowFilter: string | undefined;
  /** The partitioned table that its rows are loaded through: see partition-routing.ts. */
  readonly root?: RelationAddress | undefined;
  /** Heap and TOAST, bytes on the source's disk. */
  readonly bytes: number;
  /** Blocks of the heap: what ctid ranges are cut from. */
  readonly blocks: number;
}

/**
 * Ordinary tables and leaf partitions, unlogged ones included. Members of an extension come with CREATE EXTENSION, but for the rows of its
 * configuration tables (PostgreSQL docs, "Extension Configuration Tables").
 */
const sourceTables = (generatedColumns: boolean) => `
  select
    n.nspname as schema,
    c.relname as name,
    array(
      select a.attname::text
      from pg_catalog.pg_attribute as a
      where a.attrelid = c.oid
        and a.attnum > 0
        and not a.attisdropped
        ${generatedColumns ? "and a.attgenerated = ''" : ""}
      order by a.attnum
    ) as columns,
    configuration.condition as row_filter,
    coalesce(pg_catalog.pg_table_size(c.oid), 0) as bytes,
    coalesce(pg_catalog.pg_relation_size(c.oid), 0) / pg_catalog.current_setting('block_size')::bigint as blocks
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  left join pg_catalog.pg_depend as member
    on member.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    and member.objid = c.oid
    and member.deptype = 'e'
  left join lateral (
    select e.extcondition[array_position(e.extconfig, c.oid)] as condition
    from pg_catalog.pg_extension as e
    where e.oid = member.refobjid
      and c.oid = any (e.extconfig)
  ) as configuration on true
  where c.relkind = 'r'
    and c.relpersistence <> 't'
    and ${userSchema("n")}
    and (member.objid is null or configuration.condition is not null)
  order by n.nspname, c.relname
`;

/** Lists the tables of the database that `source` is connected to, as its transaction's snapshot sees them. */
export async function listSourceTables(source: ClientBase): Promise<SourceTable[]> {
  const version = await serverVersion(source);
  const { rows } = await source.query<{
    schema: string;
    name: string;
    columns: string[];
    row_filter: string | null;
    bytes: string;
    blocks: string;
  }>(sourceTables(version >= 120_000));
  const trees = await listReroutedTrees(source, version);
  const treeOf = new Map(trees.flatMap((tree) => tree.leaves.map((leaf) => [`${leaf.schema}\0${leaf.name}`, tree])));
  return rows.map((row) => ({
    schema: row.schema,
    name: row.name,
    root: treeOf.get(`${row.schema}\0${row.name}`)?.root,
    // Rows of different leaves are added up: they must look alike.
    columns: treeOf.get(`${row.schema}\0${row.name}`)?.columns ?? row.columns,
    // A configuration table without a condition has an empty one: all of its rows are the user's.
    rowFilter: row.row_filter ?? undefined,
    bytes: Number(row.bytes),
    blocks: Number(row.blocks),
  }));
}

const largeObjects = `
  select min(oid)::bigint as first, max(oid)::bigint as last, count(*)::int as objects
  from (
    select oid, (row_number() over (order by oid) - 1) / $1 as slice
    from pg_catalog.pg_largeobject_metadata
  ) as numbered
  group by slice
  order by slice
`;

export interface LargeObjectRange {
  readonly first: number;
  /** Inclusive. */
  readonly last: number;
  readonly objects: number;
}

/** The database's large objects, in ranges of at most `objectsPerRange` by OID. */
export async function listLargeObjectRanges(source: ClientBase, objectsPerRange: number): Promise<LargeObjectRange[]> {
  const { rows } = await source.query<{ first: string; last: string; objects: number }>(largeObjects, [
    objectsPerRange,
  ]);
  return rows.map((row) => ({ first: Number(row.first), last: Number(row.last), objects: row.objects }));
}

/** server_version_num, e.g. 120022. */
export async function serverVersion(client: ClientBase): Promise<number> {
  const { rows } = await client.query<{ version: number }>(
    "select current_setting('server_version_num')::int as version",
  );
  return rows[0]?.version ?? 0;
}

/** The encoding that the database's text is stored in, by PostgreSQL's name, e.g. "UTF8" or "SQL_ASCII". */
export async function databaseEncoding(client: ClientBase): Promise<string> {
  const { rows } = await client.query<{ encoding: string }>("select current_setting('server_encoding') as encoding");
  return rows[0]?.encoding ?? "UTF8";
}
