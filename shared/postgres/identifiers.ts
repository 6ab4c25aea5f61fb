/**
 * The only place where names and values become SQL text (design invariant 9). Everything else passes parameters, or calls these.
 */
import { escapeIdentifier, escapeLiteral } from "pg";

/** `name` as a quoted identifier: always quoted, so case, spaces, dots and reserved words survive. */
export function quoteIdentifier(name: string): string {
  return escapeIdentifier(name);
}

/** `value` as a string literal (an E'' literal when it holds a backslash), safe whatever standard_conforming_strings says. */
export function quoteLiteral(value: string): string {
  return escapeLiteral(value);
}

/** `schema.name`, both quoted: what every statement of ours uses, for we run with an empty search_path. */
export function qualifiedName(schema: string, name: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

/** A comma-separated column list, quoted. */
export function columnList(columns: readonly string[]): string {
  return columns.map(quoteIdentifier).join(", ");
}
