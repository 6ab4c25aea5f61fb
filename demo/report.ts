import { type DatabaseComparison, differences } from "./compare.js";
import type { MigrationView } from "./progress.js";
import { count, megabytes, seconds } from "./quantities.js";
import type { Terminal } from "./terminal.js";
import { textTable } from "./text-table.js";

const header = ["Database", "Tables", "Rows", "MB", "Seconds", "MB/s", "Checksums", "Sequences"];

/** Prints what was compared, a line a database, and every difference. */
export function printReport(
  terminal: Terminal,
  view: MigrationView,
  comparisons: ReadonlyMap<string, DatabaseComparison>,
): void {
  const rows = [...comparisons].map(([database, { tables, sequences }]) => {
    const bytes = tables.reduce((sum, { source }) => sum + (source?.bytes ?? 0), 0);
    const took = view.databases.find((one) => one.database === database)?.elapsedMilliseconds ?? 0;
    return [
      database,
      count(tables.length),
      count(tables.reduce((sum, { source }) => sum + (source?.rows ?? 0n), 0n)),
      megabytes(bytes),
      seconds(took),
      megabytes((bytes * 1_000) / Math.max(took, 100)),
      verdict(tables),
      verdict(sequences),
    ];
  });
  for (const line of textTable(header, rows, ["Tables", "Rows", "MB", "Seconds", "MB/s"])) terminal.print(`  ${line}`);
  for (const [database, comparison] of comparisons) {
    for (const difference of differences(comparison)) terminal.print(terminal.bad(`  ${database}: ${difference}`));
  }
}

function verdict(compared: readonly { equal: boolean }[]): string {
  const equal = compared.filter((one) => one.equal).length;
  if (compared.length === 0) return "none";
  return equal === compared.length
    ? `all ${count(equal)} match`
    : `${compared.length - equal} of ${compared.length} DIFFER`;
}
