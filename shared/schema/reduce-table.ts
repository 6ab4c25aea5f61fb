/**
 * A table without what it may be refused for although rows need none of it: defaults, checks, expressions of generated
 * columns, storage parameters. What was taken out becomes statements of their own, to be applied when they can be.
 */
import { type ColumnDef, type Constraint, type CreateStmt, parseSync, scanSync } from "libpg-query";
import { qualifiedName, quoteIdentifier } from "../postgres/identifiers.js";
import { displayName } from "./display-name.js";
import type { SchemaStatement } from "./schema-statement.js";

export interface ReducedTable {
  readonly sql: string;
  /** What makes it whole, in order. */
  readonly completions: readonly SchemaStatement[];
}

/** ALTER COLUMN … SET EXPRESSION came with 17. */
const setExpressionSince = 170_000;

/** @returns undefined where nothing can be taken out, or the statement is not understood */
export function reduceTable(sql: string, targetVersion: number): ReducedTable | undefined {
  const bytes = Buffer.from(sql);
  const table = parseSync(sql)
    .stmts?.flatMap(({ stmt }) => (stmt !== undefined && "CreateStmt" in stmt ? [stmt.CreateStmt] : []))
    .at(0);
  const list = table === undefined ? undefined : elementList(bytes, sql, table);
  if (table === undefined || list === undefined) return undefined;
  const reduction = new Reduction(bytes, table, targetVersion);
  const elements = (table.tableElts ?? []).flatMap((node): Element[] => {
    if ("ColumnDef" in node) return [{ at: node.ColumnDef.location ?? 0, column: node.ColumnDef }];
    return "Constraint" in node ? [{ at: node.Constraint.location ?? 0, constraint: node.Constraint }] : [];
  });
  if (elements.length !== (table.tableElts ?? []).length) return undefined;
  const kept = elements.flatMap((element, index) => {
    const end = elements[index + 1]?.at ?? list.end;
    return "column" in element
      ? [reduction.column(element.column, end)]
      : reduction.constraint(element.constraint, end);
  });
  const tail = reduction.tail(list.end);
  if (reduction.completions.length === 0) return undefined;
  const head = bytes.toString("utf8", 0, list.start);
  const body = kept.map((text) => `\n    ${text}`).join(",");
  return { sql: `${head}${body}\n${tail}`, completions: reduction.completions };
}

type Element =
  | { readonly at: number; readonly column: ColumnDef }
  | { readonly at: number; readonly constraint: Constraint };

/** Where the list of columns and constraints begins and ends, in bytes, its parentheses not included. */
function elementList(bytes: Buffer, sql: string, table: CreateStmt): { start: number; end: number } | undefined {
  const from = table.relation?.location ?? 0;
  if (bytes.length === 0) return undefined;
  let start: number | undefined;
  let depth = 0;
  for (const token of scanSync(sql).tokens) {
    if (token.start < from) continue;
    if (token.text === "(") {
      depth += 1;
      start ??= token.end;
    } else if (token.text === ")") {
      depth -= 1;
      if (depth === 0 && start !== undefined) return { start, end: token.start };
    } else if (token.text === ";" && start === undefined) return undefined;
  }
  return undefined;
}

class Reduction {
  readonly completions: SchemaStatement[] = [];
  readonly #bytes: Buffer;
  readonly #table: CreateStmt;
  readonly #targetVersion: number;

  constructor(bytes: Buffer, table: CreateStmt, targetVersion: number) {
    this.#bytes = bytes;
    this.#table = table;
    this.#targetVersion = targetVersion;
  }

  /** The column's text without its default and the expression that it is generated from. */
  column(column: ColumnDef, end: number): string {
    const constraints = (column.constraints ?? []).flatMap((node) => ("Constraint" in node ? [node.Constraint] : []));
    const name = column.colname ?? "";
    const generated = constraints.some(({ contype }) => contype === "CONSTR_GENERATED");
    const notNull = generated && constraints.some(({ contype }) => contype === "CONSTR_NOTNULL");
    const texts = constraints.flatMap((constraint, index) => {
      const text = this.#text(constraint.location, constraints[index + 1]?.location ?? end);
      switch (constraint.contype) {
        case "CONSTR_DEFAULT":
          this.#complete(
            `ALTER COLUMN ${quoteIdentifier(name)} SET ${text}`,
            `default of column ${displayName(name)} of ${this.#name}`,
          );
          return [];
        case "CONSTR_GENERATED":
          return this.#generated(column, constraint, { text, notNull, end });
        case "CONSTR_NOTNULL":
          // Without its expression the column has no values yet.
          return generated ? [] : [text];
        default:
          return [text];
      }
    });
    return [this.#text(column.location, constraints[0]?.location ?? end), ...texts].join(" ");
  }

  #generated(
    column: ColumnDef,
    constraint: Constraint,
    { text, notNull, end }: { text: string; notNull: boolean; end: number },
  ): string[] {
    const expression = text.slice(text.indexOf("(") + 1, text.lastIndexOf(")"));
    const name = quoteIdentifier(column.colname ?? "");
    const object = `expression of generated column ${displayName(column.colname)} of ${this.#name}`;
    const required = notNull ? `, ALTER COLUMN ${name} SET NOT NULL` : "";
    const type = this.#text(column.typeName?.location, column.collClause?.location ?? constraint.location ?? end);
    if (this.#targetVersion >= setExpressionSince) {
      this.#complete(`ALTER COLUMN ${name} SET EXPRESSION AS (${expression})${required}`, object, "check");
      return [text.replace(`(${expression})`, () => `(NULL::${type})`)];
    }
    // Its values follow from the others: made anew, the column is the table's last.
    const whole = this.#text(column.typeName?.location, end);
    this.#complete(`DROP COLUMN ${name}, ADD COLUMN ${name} ${whole}`, object, "check");
    return [];
  }

  /** A table's constraint, unless it checks an expression. */
  constraint(constraint: Constraint, end: number): string[] {
    const text = this.#text(constraint.location, end);
    if (constraint.contype !== "CONSTR_CHECK") return [text];
    this.#complete(`ADD ${text}`, `constraint ${displayName(constraint.conname)} on ${this.#name}`, "check");
    return [];
  }

  /** From the end of the list on, without storage parameters. */
  tail(from: number): string {
    const options = (this.#table.options ?? []).flatMap((node) => ("DefElem" in node ? [node.DefElem] : []));
    const text = this.#bytes.toString("utf8", from);
    const first = options[0]?.location;
    if (first === undefined) return text;
    const before = this.#bytes.toString("utf8", from, first);
    const after = this.#bytes.toString("utf8", first);
    const close = after.indexOf(")");
    const opening = /\s*WITH\s*\($/i.exec(before);
    if (close < 0 || opening === null) return text;
    this.#complete(`SET (${after.slice(0, close)})`, `storage parameters of ${this.#name}`, "tuning");
    return `${before.slice(0, opening.index)}${after.slice(close + 1)}`;
  }

  get #name(): string {
    const { schemaname, relname } = this.#table.relation ?? {};
    return `table ${displayName(schemaname, relname)}`;
  }

  #complete(command: string, object: string, kind: SchemaStatement["kind"] = "other"): void {
    const { schemaname = "", relname = "" } = this.#table.relation ?? {};
    const sql = `ALTER TABLE ${qualifiedName(schemaname, relname)} ${command}`;
    this.completions.push({ sql, kind, object, roles: [] });
  }

  #text(from: number | undefined, to: number): string {
    return this.#bytes
      .toString("utf8", from ?? 0, to)
      .trim()
      .replace(/,$/, "")
      .trim();
  }
}
