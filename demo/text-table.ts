/** Columns aligned by spaces; those named in `right` to the right. Widths are counted in characters. */
export function textTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly string[] = [],
): string[] {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => [...(row[column] ?? "")].length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        const padding = " ".repeat(Math.max(0, width - [...cell].length));
        return right.includes(header[column] ?? "") ? padding + cell : cell + padding;
      })
      .join("  ")
      .trimEnd();
  return [line(header), line(widths.map((width) => "─".repeat(width))), ...rows.map(line)];
}
