/** Which rows a part is: the SELECT that reads them, on a server of any version. */
import { columnList, qualifiedName, quoteIdentifier, quoteLiteral } from "../postgres/identifiers.js";

/** A table, or a slice of its heap. */
export interface HeapSlice {
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly string[];
  /** A configuration table's condition is SQL of the extension's author, with its WHERE; it goes with no bounds. */
  readonly rowFilter: string | undefined;
  /** What stands for columns that do not travel as they are, SQL by column: see scheduled-work.ts. */
  readonly fixedValues?: Readonly<Record<string, string>> | undefined;
  /** First block; undefined: from the start. */
  readonly firstBlock: number | undefined;
  /** First block after the slice; undefined: to the end, wherever that is. */
  readonly endBlock: number | undefined;
  /** How many slices the table is read in. */
  readonly parts: number;
}

/** From this version on, a ctid range is read by a TID Range Scan: only its own blocks (release notes of PostgreSQL 14). */
const tidRangeScanSince = 140_000;

/**
 * Before that a ctid range is a filter over a scan of the whole table. Up to this many parts that is the cheaper way; beyond it the blocks'
 * line pointers are named one by one (Tid Scan), whose cost does not grow with the table. Measured in ARCHITECTURE.md.
 */
const partsWorthScanning = 16;

/** @param version server_version_num of the server that reads */
export function selectRows(slice: HeapSlice, version: number): string {
  const columns = selectList(slice);
  const table = qualifiedName(slice.schema, slice.table);
  if (slice.rowFilter !== undefined) return `select ${columns} from only ${table} ${slice.rowFilter}`;
  const bounds = [
    ...(slice.firstBlock === undefined ? [] : [`ctid >= '(${slice.firstBlock},0)'::pg_catalog.tid`]),
    ...(slice.endBlock === undefined ? [] : [`ctid < '(${slice.endBlock},0)'::pg_catalog.tid`]),
  ];
  if (bounds.length === 0) return `select ${columns} from only ${table}`;
  if (version < tidRangeScanSince && slice.parts > partsWorthScanning) return selectLinePointers(slice, table, columns);
  return `select ${columns} from only ${table} where ${bounds.join(" and ")}`;
}

function selectList({ columns, fixedValues = {} }: HeapSlice): string {
  if (Object.keys(fixedValues).length === 0) return columnList(columns);
  const select = (column: string) => {
    const fixed = fixedValues[column];
    return fixed === undefined ? quoteIdentifier(column) : `${fixed} as ${quoteIdentifier(column)}`;
  };
  return columns.map(select).join(", ");
}

/**
 * Every line pointer that a block can have (MaxHeapTuplesPerPage: a tuple takes 24 bytes of header and 4 of pointer at least), block by block.
 * `offset 0` keeps the lateral subquery apart, so that the block's number is a parameter of the Tid Scan.
 */
function selectLinePointers(slice: HeapSlice, table: string, columns: string): string {
  const lastBlock =
    slice.endBlock === undefined
      ? `pg_catalog.pg_relation_size(${quoteLiteral(table)}::pg_catalog.regclass) / pg_catalog.current_setting('block_size')::bigint - 1`
      : `${slice.endBlock - 1}`;
  const linePointers = "(pg_catalog.current_setting('block_size')::int - 24) / 28";
  return `
    select ${columns}
    from pg_catalog.generate_series(${slice.firstBlock ?? 0}::bigint, ${lastBlock}) as block_number,
    lateral (
      select ${columns}
      from only ${table}
      where ctid = any (array(
        select ('(' || block_number || ',' || pointer || ')')::pg_catalog.tid
        from pg_catalog.generate_series(1, ${linePointers}) as pointer
      ))
      offset 0
    ) as rows_of_block
  `;
}
