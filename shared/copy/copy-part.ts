/**
 * Copying one part: COPY out of the source's snapshot, COPY into the target, ledger row and rows in one transaction
 * (design invariant 3). Running it twice, at once or later, loads the rows once.
 */
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { from as copyFrom, to as copyTo } from "pg-copy-streams";
import { ServiceError } from "../model/service-error.js";
import { columnList, qualifiedName, quoteLiteral } from "../postgres/identifiers.js";
import { type CopiedPart, type CopyPartOptions, loadOnce } from "./load-once.js";
import type { PartToCopy } from "./plan-store.js";

/**
 * @returns what the part holds, whoever loaded it.
 * @throws the server's DatabaseError, or ServiceError RowsLost when the two servers count differently; the caller then abandons both sessions.
 */
export async function copyPart(part: PartToCopy, options: CopyPartOptions): Promise<CopiedPart> {
  return await loadOnce(part, options, () => load(part, options));
}

async function load(part: PartToCopy, options: CopyPartOptions): Promise<CopiedPart> {
  const whole = part.parts === 1 && part.rowFilter === undefined;
  const table = qualifiedName(part.schema, part.table);
  // COPY FREEZE writes rows that never need VACUUM's second visit; it wants a table truncated in the same transaction.
  if (whole) await options.target.query(`truncate only ${table}`);

  const outgoing = options.source.query(copyTo(copyOutStatement(part, options.sourceVersion)));
  const incoming = options.target.query(copyFrom(copyInStatement(part, whole)));
  let bytes = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      options.onBytes(chunk.length);
      done(null, chunk);
    },
  });
  await pipeline(outgoing, counter, incoming, { signal: options.signal });

  // Both servers have counted, each on its own: the source what it sent, the target what it stored.
  if (outgoing.rowCount !== incoming.rowCount) {
    throw new ServiceError(
      "RowsLost",
      `The source sent ${outgoing.rowCount} rows of ${table} but the target stored ${incoming.rowCount}. Nothing of this part was kept.`,
      { target: table },
    );
  }
  return { rows: incoming.rowCount ?? 0, bytes };
}

function copyInStatement(part: PartToCopy, freeze: boolean): string {
  const columns = part.columns.length > 0 ? ` (${columnList(part.columns)})` : "";
  const options = [`encoding ${quoteLiteral(part.encoding)}`, ...(freeze ? ["freeze true"] : [])];
  return `copy ${qualifiedName(part.schema, part.table)}${columns} from stdin with (${options.join(", ")})`;
}

function copyOutStatement(part: PartToCopy, sourceVersion: number): string {
  const table = qualifiedName(part.schema, part.table);
  // The stored bytes travel as they are: the same encoding on both sides of the wire, so neither server converts.
  const options = `with (encoding ${quoteLiteral(part.encoding)})`;
  if (part.parts === 1 && part.rowFilter === undefined) {
    const columns = part.columns.length > 0 ? ` (${columnList(part.columns)})` : "";
    return `copy ${table}${columns} to stdout ${options}`;
  }
  return `copy (${selectRows(part, table, sourceVersion)}) to stdout ${options}`;
}

/** From this version on, a ctid range is read by a TID Range Scan: only its own blocks (release notes of PostgreSQL 14). */
const tidRangeScanSince = 140_000;

/**
 * Before that a ctid range is a filter over a scan of the whole table. Up to this many parts that is the cheaper way; beyond it the blocks'
 * line pointers are named one by one (Tid Scan), whose cost does not grow with the table. Measured in ARCHITECTURE.md.
 */
const partsWorthScanning = 16;

function selectRows(part: PartToCopy, table: string, sourceVersion: number): string {
  const columns = columnList(part.columns);
  // A configuration table's condition is SQL of the extension's author, with its WHERE.
  if (part.rowFilter !== undefined) return `select ${columns} from only ${table} ${part.rowFilter}`;
  if (sourceVersion < tidRangeScanSince && part.parts > partsWorthScanning)
    return selectLinePointers(part, table, columns);
  const bounds = [
    ...(part.firstBlock === undefined ? [] : [`ctid >= '(${part.firstBlock},0)'::pg_catalog.tid`]),
    ...(part.endBlock === undefined ? [] : [`ctid < '(${part.endBlock},0)'::pg_catalog.tid`]),
  ];
  return `select ${columns} from only ${table} where ${bounds.join(" and ")}`;
}

/**
 * Every line pointer that a block can have (MaxHeapTuplesPerPage: a tuple takes 24 bytes of header and 4 of pointer at least), block by block.
 * `offset 0` keeps the lateral subquery apart, so that the block's number is a parameter of the Tid Scan.
 */
function selectLinePointers(part: PartToCopy, table: string, columns: string): string {
  const lastBlock =
    part.endBlock === undefined
      ? `pg_catalog.pg_relation_size(${quoteLiteral(table)}::pg_catalog.regclass) / pg_catalog.current_setting('block_size')::bigint - 1`
      : `${part.endBlock - 1}`;
  const linePointers = "(pg_catalog.current_setting('block_size')::int - 24) / 28";
  return `
    select ${columns}
    from pg_catalog.generate_series(${part.firstBlock ?? 0}::bigint, ${lastBlock}) as block_number,
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
