/** Tables for people (aligned by width, as az prints them) and for scripts (tab-separated). */
import Table from "cli-table3";

export interface Column<Row> {
  readonly title: string;
  /** What scripts get. */
  readonly value: (row: Row) => string | number | boolean | undefined;
  /** What people get, where that differs. */
  readonly text?: (row: Row) => string;
  readonly right?: boolean;
}

const noBorders = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "  ",
};

/** Title, dashes, rows; nothing at all when there are no rows, as az has it. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  if (rows.length === 0) return "";
  const cells = rows.map((row) => columns.map((column) => oneLine(textOf(column, row))));
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...cells.map((row) => widestOf(row[index] ?? ""))),
  );
  const drawn = new Table({
    chars: noBorders,
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [], compact: true },
    colAligns: columns.map(({ right }) => (right === true ? "right" : "left")),
  });
  drawn.push(
    columns.map(({ title }) => title),
    widths.map((width) => "-".repeat(width)),
    ...cells,
  );
  const lines = drawn.toString().split("\n");
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}

/** Values only, as az prints them; a tab or line break in a value would look like another cell or row. */
export function tsv<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const line = (row: Row) => columns.map(({ value }) => String(value(row) ?? "").replace(/[\t\r\n]+/g, " ")).join("\t");
  return rows.map((row) => `${line(row)}\n`).join("");
}

function textOf<Row>({ text, value }: Column<Row>, row: Row): string {
  return text === undefined ? String(value(row) ?? "") : text(row);
}

function oneLine(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, " ");
}

function widestOf(text: string): number {
  return [...text].length;
}
