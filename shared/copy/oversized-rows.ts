/** Parts with rows whose text is beyond 1 GB: whether they can travel in binary form, and which rows they are. */
import type pg from "pg";
import type { PartToCopy } from "../ledger/parts.js";
import { ServiceError } from "../model/service-error.js";
import { qualifiedName, quoteIdentifier } from "../postgres/identifiers.js";
import { firstUserOid, readTypeTree, type TypeNode, type TypeTree } from "../postgres/type-tree.js";
import { readKeyColumns } from "../proof/differing-rows.js";

const columnTypes = `
  select a.attname::text as name, a.atttypid::int8::float8 as type, a.attlen = -1 as "ofAnyLength"
  from pg_catalog.pg_attribute as a
  where a.attrelid = $1::pg_catalog.regclass
    and a.attname = any ($2::text[])
`;

interface Column {
  readonly name: string;
  readonly type: number;
  readonly ofAnyLength: boolean;
}

async function readColumns(source: pg.ClientBase, part: PartToCopy): Promise<Column[]> {
  const table = qualifiedName(part.schema, part.table);
  return (await source.query<Column>(columnTypes, [table, part.columns])).rows;
}

/**
 * Whether the values of all columns mean the same on another server in their binary form. It says of arrays and composites by OID what they are made
 * of, and of the reg… types what they name: that is the same for the system's own objects only. (Types of extensions have forms of their own; the
 * proof compares what has come of them.)
 */
export async function travelsInBinary(source: pg.ClientBase, part: PartToCopy): Promise<boolean> {
  const columns = await readColumns(source, part);
  const types = await readTypeTree(
    source,
    columns.map(({ type }) => type),
  );
  return columns.every(({ type }) => isPortable(types, types.get(type)));
}

function isPortable(types: TypeTree, type: TypeNode | undefined): boolean {
  if (type === undefined || !type.hasBinaryForm || /^_?reg/.test(type.name)) return false;
  const inner = types.innerOf(type);
  // A domain, and a range, are sent as what they are made of.
  const saysByOid = type.kind === "c" || (type.kind === "b" && type.inner !== 0);
  return inner.every((part) => (!saysByOid || part.oid < firstUserOid) && isPortable(types, part));
}

/** A row of this size, in bytes, is worth naming; and how many of them are. */
const namedFrom = 256 * 1024 * 1024;
const rowsNamed = 5;

/**
 * The error for a part that travels neither as text nor in binary form, with the keys of its largest rows.
 * @param source in the snapshot; the table's heap is read for their sizes, the values are not
 */
export async function tooLargeToTravel(source: pg.ClientBase, part: PartToCopy, why: string): Promise<ServiceError> {
  const table = qualifiedName(part.schema, part.table);
  const keyColumns = await readKeyColumns(source, part.schema, part.table);
  const rows = await largestRows(source, part, keyColumns);
  const by = keyColumns.length === 0 ? "at ctid" : `(${keyColumns.map(quoteIdentifier).join(", ")}) =`;
  const named = rows.map(({ key, size, column }) => `${by} ${key}, ${size}, most of it in ${quoteIdentifier(column)}`);
  return new ServiceError(
    "RowTooLarge",
    `A row of ${table} has more than the 1 GB that a server can send or take at once: ${why}. ` +
      (named.length === 0 ? "" : `The largest: ${named.join("; ")}. `) +
      "Cut its value into several on the source, or take the row out and carry it by hand; then migrate the database again.",
    { target: table },
  );
}

/** bytea, text and varchar (pg_type.dat): of these octet_length() tells the full size without asking for the value. */
const sizedTypes = new Set([17, 25, 1043]);

async function largestRows(
  source: pg.ClientBase,
  part: PartToCopy,
  keyColumns: readonly string[],
): Promise<{ key: string; size: string; column: string }[]> {
  const long = (await readColumns(source, part)).filter(({ ofAnyLength }) => ofAnyLength);
  if (long.length === 0) return [];
  const sizes = long.map(({ name, type }) => {
    const size = sizedTypes.has(type) ? "octet_length" : "pg_catalog.pg_column_size";
    return `coalesce(${size}(${quoteIdentifier(name)}), 0)::bigint`;
  });
  const key = keyColumns.length === 0 ? "ctid::text" : `(row(${keyColumns.map(quoteIdentifier).join(", ")}))::text`;
  const largest = `
    select
      key,
      pg_catalog.pg_size_pretty(total) as size,
      ($1::text[])[array_position(sizes, (select max(size) from unnest(sizes) as size))] as column
    from (
      select ${key} as key, ${sizes.join(" + ")} as total, array[${sizes.join(", ")}] as sizes
      from only ${qualifiedName(part.schema, part.table)} ${part.rowFilter ?? ""}
    ) as measured
    where total >= ${namedFrom}
    order by total desc
    limit ${rowsNamed}
  `;
  const { rows } = await source.query<{ key: string; size: string; column: string }>(largest, [
    long.map(({ name }) => name),
  ]);
  return rows;
}
