import { migrationCommand, migrationNameOf, serviceOf } from "../service-options.js";
import { watchMigration } from "../watch/watch-migration.js";
import { intervalOption, jsonOption, timeoutOption, untilOption } from "../watch-options.js";

export function watch() {
  return migrationCommand("watch", "Watch a migration until it ends: a line a database, live on a terminal.")
    .addOption(jsonOption)
    .addOption(intervalOption)
    .addOption(timeoutOption)
    .addOption(untilOption)
    .action(async (options) => {
      process.exitCode = await watchMigration(serviceOf(options), migrationNameOf(options), options);
    });
}
