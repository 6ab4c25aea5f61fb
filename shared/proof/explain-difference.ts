/**
 * What is behind two tallies of a table that differ: rows, which are named; or columns of types that are not PostgreSQL's own, whose text differs between two versions of an
 * extension although the values are the same.
 */
import type pg from "pg";
import type { Heap, TalliedTable } from "../ledger/proof-store.js";
import { qualifiedName, quoteIdentifier } from "../postgres/identifiers.js";
import { canonicalRows } from "./canonical-row.js";
import {
  type ComparedTable,
  type DifferingRow,
  equalBut,
  findDifferingRows,
  type Place,
  readKeyColumns,
} from "./differing-rows.js";
import { checksumText } from "./tally.js";

export interface ExplainSessions {
  /** In the snapshot. */
  readonly source: pg.ClientBase;
  readonly sourceVersion: number;
  /** In a transaction. */
  readonly target: pg.ClientBase;
  readonly targetVersion: number;
  /** When to give up looking, milliseconds since 1970. */
  readonly deadline: number;
}

/** `differs`: the table's error; `told`: the rows are the same, and why their checksums are not is a warning. */
export interface Explanation {
  readonly kind: "differs" | "told";
  readonly message: string;
}

/** Two tallies of a table that differ. */
export type DifferingTable = Omit<TalliedTable, "copied"> & Partial<Pick<TalliedTable, "copied">>;

/** @param heaps what holds the table's rows */
export async function explainDifference(
  table: DifferingTable,
  heaps: readonly Heap[],
  sessions: ExplainSessions,
): Promise<Explanation> {
  const compared = await comparedTable(table, heaps, sessions);
  const { foreignColumns } = compared.row;
  const rows = await findDifferingRows(compared);
  if (table.source.rows === table.target.rows && foreignColumns.length > 0) {
    const onlyThere = await equalBut(compared, foreignColumns);
    if (onlyThere === true && (await readTheSame(compared, rows ?? []))) {
      return { kind: "told", message: textDiffers(table, foreignColumns) };
    }
  }
  return { kind: "differs", message: differenceMessage(table, rows) };
}

function differenceMessage(table: DifferingTable, rows: readonly DifferingRow[] | undefined): string {
  const { source, target, copied } = table;
  const counts =
    source.rows === target.rows && (copied === undefined || copied === source.rows)
      ? `both sides have ${source.rows} rows, but not the same: their checksum is ${checksumText(source.checksum ?? 0n)} ` +
        `on the source and ${checksumText(target.checksum ?? 0n)} on the target.`
      : `the source has ${source.rows} rows, ${copied === undefined ? "" : `${copied} were copied, `}and the target has ${target.rows}.`;
  return `Table ${qualifiedName(table.schema, table.table)}: ${counts}${rowsMessage(rows)}`;
}

/** What to do about rows that differ, for who knows no other reason. */
export const differenceRemedy = "Make sure that nobody else writes to the target, and migrate the database again.";

function rowsMessage(rows: readonly DifferingRow[] | undefined): string {
  if (rows === undefined) return " The rows that differ could not be found in time.";
  if (rows.length === 0) return "";
  return ` The first that differ: ${rows.map(rowMessage).join("; ")}.`;
}

function rowMessage({ key, source, target, columns }: DifferingRow): string {
  const at = (place: Place) => `${place[0]} ${place[1]}`;
  const row = key === undefined ? "a row" : `key ${key}`;
  if (target === undefined) return `${row}, missing on the target (source ${at(source ?? ["", ""])})`;
  if (source === undefined) return `${row}, only on the target (${at(target)})`;
  return `${row}, column ${columns.map(quoteIdentifier).join(", ")} (source ${at(source)}, target ${at(target)})`;
}

function textDiffers(table: DifferingTable, columns: readonly string[]): string {
  const name = qualifiedName(table.schema, table.table);
  return (
    `Table ${name}: column ${columns.map(quoteIdentifier).join(", ")} is of a type that is not PostgreSQL's own, whose text differs between the two servers. ` +
    "Everything else in the table has the same checksum, and where values were compared, the target reads the source's text as what it has."
  );
}

async function comparedTable(
  table: DifferingTable,
  heaps: readonly Heap[],
  sessions: ExplainSessions,
): Promise<ComparedTable> {
  const { source, target, sourceVersion, targetVersion, deadline } = sessions;
  const columns = heaps[0]?.columns ?? [];
  const tables = heaps.map(({ schema, name }) => ({ schema, name }));
  const rowFilter = heaps[0]?.row_filter ?? undefined;
  const [row] = await canonicalRows(source, [{ schema: table.schema, name: table.table, columns }], {
    sourceVersion,
    targetVersion,
  });
  if (row === undefined) throw new Error("a table has no canonical row");
  return {
    source: { client: source, tables, rowFilter },
    target: { client: target, tables, rowFilter },
    columns,
    keyColumns: await readKeyColumns(source, table.schema, table.table),
    row,
    deadline,
  };
}

const columnType = `
  select pg_catalog.format_type(a.atttypid, a.atttypmod) as type
  from pg_catalog.pg_attribute as a
  where a.attrelid = $1::regclass
    and a.attname = $2
`;

/** Whether the target, given the source's text, has the very value that it has: for the rows that are on both sides. */
async function readTheSame({ source, target }: ComparedTable, rows: readonly DifferingRow[]): Promise<boolean> {
  for (const row of rows) {
    if (row.source === undefined || row.target === undefined) continue;
    for (const column of row.columns) {
      const name = quoteIdentifier(column);
      const sent = await source.client.query<{ value: string | null }>(
        `select ${name}::text as value from only ${row.source[0]} where ctid = $1::tid`,
        [row.source[1]],
      );
      const type = await target.client.query<{ type: string }>(columnType, [row.target[0], column]);
      const read = await target.client.query<{ same: boolean }>(
        `select $1::text::${type.rows[0]?.type}::text is not distinct from ${name}::text as same from only ${row.target[0]} where ctid = $2::tid`,
        [sent.rows[0]?.value ?? null, row.target[1]],
      );
      if (read.rows[0]?.same !== true) return false;
    }
  }
  return true;
}
