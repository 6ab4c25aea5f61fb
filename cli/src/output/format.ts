/** What a command answers, in the formats of Azure's CLI. */
import { stringify } from "yaml";
import { type Column, table, tsv } from "./table.js";

export const formats = ["json", "table", "tsv", "yaml", "none"] as const;
export type Format = (typeof formats)[number];

/** An answer: the value itself, and the rows and columns that a table of it has. */
export interface Answer<Row> {
  readonly value: unknown;
  readonly rows: readonly Row[];
  readonly columns: readonly Column<Row>[];
}

/** The text of an answer, with the line break at its end; "" for none. */
export function formatted<Row>(answer: Answer<Row>, format: Format): string {
  switch (format) {
    case "json":
      return answer.value === undefined ? "" : `${JSON.stringify(answer.value, null, 2)}\n`;
    case "yaml":
      return answer.value === undefined ? "" : stringify(answer.value, { lineWidth: 0 });
    case "table":
      return table(answer.columns, answer.rows);
    case "tsv":
      return tsv(answer.columns, answer.rows);
    case "none":
      return "";
  }
}

/** Prints an answer. */
export function print<Row>(answer: Answer<Row>, format: Format): void {
  process.stdout.write(formatted(answer, format));
}
