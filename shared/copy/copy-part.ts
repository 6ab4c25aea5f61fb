/**
 * Copying one part: COPY out of the source's snapshot, COPY into the target, ledger row and rows in one transaction
 * (design invariant 3). Running it twice, at once or later, loads the rows once.
 */
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type pg from "pg";
import { from as copyFrom, to as copyTo } from "pg-copy-streams";
import { type CopiedPart, type CopyPartOptions, loadOnce } from "../ledger/load-once.js";
import type { PartToCopy } from "../ledger/parts.js";
import { ServiceError } from "../model/service-error.js";
import { columnList, qualifiedName, quoteLiteral } from "../postgres/identifiers.js";
import { type HeapSlice, selectRows } from "./part-rows.js";

export interface CopyTableOptions extends CopyPartOptions {
  /** Configuration tables that are emptied before, in the part's transaction; each after those that it refers to. */
  readonly emptied?: readonly HeapSlice[];
  /** Text unless said otherwise: see oversized-rows.ts. */
  readonly format?: CopyFormat;
}

export type CopyFormat = "text" | "binary";

/**
 * @returns what the part holds, whoever loaded it.
 * @throws the server's DatabaseError, or ServiceError RowsLost when the two servers count differently; the caller then abandons both sessions.
 */
export async function copyPart(part: PartToCopy, options: CopyTableOptions): Promise<CopiedPart> {
  return await loadOnce(part, options, () => load(part, options));
}

async function load(part: PartToCopy, options: CopyTableOptions): Promise<CopiedPart> {
  // What is loaded through a root goes to partitions that hold rows of other parts by then.
  const whole = part.parts === 1 && part.rowFilter === undefined && part.root === undefined;
  const table = qualifiedName(part.schema, part.table);
  await emptyConfiguration(options.target, options.emptied ?? []);
  // COPY FREEZE writes rows that never need VACUUM's second visit; it wants a table truncated in the same transaction.
  if (whole) await options.target.query(`truncate only ${table}`);

  const binary = options.format === "binary";
  if (binary) for (const session of [options.source, options.target]) await session.query(sendAs, [part.encoding]);
  const outgoing = options.source.query(copyTo(copyOutStatement(part, options.sourceVersion, binary)));
  const incoming = options.target.query(copyFrom(copyInStatement(part, whole, binary)));
  let bytes = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      options.onBytes(chunk.length);
      done(null, chunk);
    },
  });
  await pipeline(outgoing, counter, incoming, { signal: options.signal });

  if (binary) for (const session of [options.source, options.target]) await session.query(sendAs, ["UTF8"]);

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

/**
 * CREATE EXTENSION may have filled its configuration tables. The rows that their condition names are the user's: as they are on the source, where he
 * may have changed or deleted them. Asked for first, because it takes a right to delete which is seldom needed.
 */
async function emptyConfiguration(target: pg.Client, tables: readonly HeapSlice[]): Promise<void> {
  for (const { schema, table, rowFilter } of [...tables].reverse()) {
    const rows = `from only ${qualifiedName(schema, table)} ${rowFilter ?? ""}`;
    const { rows: found } = await target.query<{ filled: boolean }>(`select exists (select ${rows}) as filled`);
    if (found[0]?.filled === true) await target.query(`delete ${rows}`);
  }
}

/** A COPY has an encoding of its own, but not for the text in its binary form. */
const sendAs = "select pg_catalog.set_config('client_encoding', $1, false)";

function copyInStatement(part: PartToCopy, freeze: boolean, binary: boolean): string {
  const columns = part.columns.length > 0 ? ` (${columnList(part.columns)})` : "";
  const options = [...formatOptions(part, binary), ...(freeze ? ["freeze true"] : [])];
  const { schema, name } = part.root ?? { schema: part.schema, name: part.table };
  return `copy ${qualifiedName(schema, name)}${columns} from stdin with (${options.join(", ")})`;
}

/** The stored bytes travel as they are: the same encoding on both sides of the wire, so neither server converts. */
function formatOptions(part: PartToCopy, binary: boolean): string[] {
  return [`encoding ${quoteLiteral(part.encoding)}`, ...(binary ? ["format binary"] : [])];
}

function copyOutStatement(part: PartToCopy, sourceVersion: number, binary: boolean): string {
  const table = qualifiedName(part.schema, part.table);
  const options = `with (${formatOptions(part, binary).join(", ")})`;
  if (part.parts === 1 && part.rowFilter === undefined) {
    const columns = part.columns.length > 0 ? ` (${columnList(part.columns)})` : "";
    return `copy ${table}${columns} to stdout ${options}`;
  }
  return `copy (${selectRows(part, sourceVersion)}) to stdout ${options}`;
}
