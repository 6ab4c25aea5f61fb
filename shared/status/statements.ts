/**
 * Table `MigrationStatements`: the schema's statements that were not applied at once, one row each, PartitionKey the
 * migration's key, RowKey `database|0000012|id` in the order in which they are to be run. A statement that is longer than
 * a column goes on in rows of its own, `…|id|0002`.
 */
import { z } from "zod";
import { compoundKey, compoundKeyRange } from "./entity-key.js";
import {
  type Columns,
  deleteRows,
  mergeRows,
  numberColumn,
  odata,
  optionalText,
  queryRows,
  textColumn,
} from "./storage.js";

export const statementFates = ["applied", "leftOut", "refused"] as const;
export const StatementFate = z.enum(statementFates);
export type StatementFate = z.infer<typeof StatementFate>;

const StatementRowColumns = z.object({
  /** "" for what belongs to the server: roles. */
  database: textColumn,
  /** Which run of the base copy it belongs to. */
  attempt: numberColumn,
  /** Its place in the plan. */
  order: numberColumn,
  /** Tells the statements of one place apart. */
  id: z.string(),
  /** What PostgreSQL calls the object: "function", "cast". */
  kind: textColumn,
  /** What the service does with it: see StatementKind. */
  statementKind: textColumn,
  object: textColumn,
  fate: StatementFate,
  /** SQLSTATE of the last refusal. */
  code: optionalText,
  message: optionalText,
  statement: textColumn,
  remedy: optionalText,
  missingRole: optionalText,
  /** In which pass it was last tried; 0 is the first time. */
  pass: numberColumn,
});

/** A row of `MigrationStatements`, parsed, its statement whole. */
export type StatementRow = z.infer<typeof StatementRowColumns>;

/** UTF-16 units of a statement in one row: a column holds 32 Ki of them. */
const pieceLength = 31_000;

/** UTF-16 units sent in one transaction: the service takes 4 MiB. */
const transactionLimit = 900_000;

/** Writes statements whole; writing one again replaces it. */
export async function recordStatements(key: string, statements: readonly StatementRow[]): Promise<void> {
  let rows: { rowKey: string; columns: Columns }[] = [];
  let length = 0;
  for (const row of statements.flatMap(rowsOf)) {
    rows.push(row);
    length += 2_000 + String(row.columns.statement ?? "").length;
    if (length < transactionLimit && rows.length < 100) continue;
    await mergeRows("MigrationStatements", key, rows);
    rows = [];
    length = 0;
  }
  if (rows.length > 0) await mergeRows("MigrationStatements", key, rows);
}

/** The statements of a migration, or of one of its databases, in the order in which they are to be run. */
export async function listStatements(key: string, database?: string): Promise<StatementRow[]> {
  const statements: StatementRow[] = [];
  for await (const row of queryRows("MigrationStatements", filterOf(key, database))) {
    const last = statements.at(-1);
    if (row.continues === true && last !== undefined) last.statement += String(row.statement ?? "");
    else statements.push(StatementRowColumns.parse(row));
  }
  return statements;
}

/** Forgets the statements of a database: its copy starts over. */
export async function clearStatements(key: string, database: string): Promise<void> {
  await deleteRows("MigrationStatements", filterOf(key, database));
}

function filterOf(key: string, database: string | undefined): string {
  if (database === undefined) return odata`PartitionKey eq ${key}`;
  const { from, to } = compoundKeyRange(database);
  return odata`PartitionKey eq ${key} and RowKey ge ${from} and RowKey lt ${to}`;
}

function rowsOf(row: StatementRow): { rowKey: string; columns: Columns }[] {
  const { database, order, id } = row;
  const [first = "", ...rest] = pieces(row.statement);
  const key = [database, String(order).padStart(7, "0"), id];
  const columns: Columns = {
    ...row,
    statement: first,
    code: row.code ?? "",
    message: row.message ?? "",
    remedy: row.remedy ?? "",
    missingRole: row.missingRole ?? "",
    updatedOn: new Date(),
  };
  return [
    { rowKey: compoundKey(...key), columns },
    ...rest.map((statement, index) => ({
      rowKey: compoundKey(...key, String(index + 2).padStart(4, "0")),
      columns: { continues: true, statement },
    })),
  ];
}

function pieces(text: string): string[] {
  const cut: string[] = [];
  for (let start = 0; start < text.length; ) {
    let end = Math.min(text.length, start + pieceLength);
    // Half a surrogate pair is no character.
    if (end < text.length && /[\ud800-\udbff]/.test(text.charAt(end - 1))) end -= 1;
    cut.push(text.slice(start, end));
    start = end;
  }
  return cut;
}
