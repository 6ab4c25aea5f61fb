import { Option } from "@commander-js/extra-typings";
import type { TableProgress } from "../migration-service.js";
import { print } from "../output/format.js";
import type { Column } from "../output/table.js";
import { count, size } from "../quantities.js";
import { migrationCommand, migrationNameOf, serviceOf } from "../service-options.js";

const columns: readonly Column<TableProgress>[] = [
  { title: "Database", value: ({ database }) => database },
  { title: "Table", value: ({ schemaName, tableName }) => `${schemaName}.${tableName}` },
  { title: "State", value: ({ state }) => state },
  { title: "Rows", value: ({ rows }) => rows, text: ({ rows }) => count(rows), right: true },
  { title: "Bytes", value: ({ bytes }) => bytes, text: ({ bytes }) => size(bytes), right: true },
  { title: "Parts", value: ({ parts }) => parts.length, right: true },
  { title: "Error", value: ({ error }) => error },
];

export function tables() {
  return migrationCommand("tables", "List a migration's tables, with rows, bytes and errors.", "table")
    .option("--database <name>", "only this database")
    .addOption(
      new Option("--state <state>", "only tables in this state").choices([
        "queued",
        "loading",
        "completed",
        "errored",
      ] as const),
    )
    .action(async (options) => {
      const rows = await serviceOf(options).tables(migrationNameOf(options), options);
      print({ value: rows, rows, columns }, options.output);
    });
}
