import type { DatabaseProgress } from "../migration-service.js";
import { print } from "../output/format.js";
import type { Column } from "../output/table.js";
import { count, size } from "../quantities.js";
import { migrationCommand, migrationNameOf, serviceOf } from "../service-options.js";

const columns: readonly Column<DatabaseProgress>[] = [
  { title: "Database", value: ({ database }) => database },
  { title: "State", value: ({ state }) => state },
  { title: "Step", value: ({ currentStep }) => currentStep },
  { title: "Queued", value: ({ tablesQueued }) => tablesQueued, right: true },
  { title: "Loading", value: ({ tablesLoading }) => tablesLoading, right: true },
  { title: "Completed", value: ({ tablesCompleted }) => tablesCompleted, right: true },
  { title: "Errored", value: ({ tablesErrored }) => tablesErrored, right: true },
  { title: "Rows", value: ({ rowsCopied }) => rowsCopied, text: ({ rowsCopied }) => count(rowsCopied), right: true },
  {
    title: "Bytes",
    value: ({ bytesCopied }) => bytesCopied,
    text: ({ bytesCopied }) => size(bytesCopied),
    right: true,
  },
  { title: "Message", value: ({ message }) => message },
];

export function databases() {
  return migrationCommand("databases", "List a migration's databases with their progress.", "table").action(
    async (options) => {
      const rows = await serviceOf(options).databases(migrationNameOf(options));
      print({ value: rows, rows, columns }, options.output);
    },
  );
}
