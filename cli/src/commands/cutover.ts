import { print } from "../output/format.js";
import { migrationAnswer } from "../output/migrations-answer.js";
import { migrationCommand, migrationNameOf, serviceOf } from "../service-options.js";
import { watchMigration } from "../watch/watch-migration.js";
import { intervalOption, jsonOption, timeoutOption } from "../watch-options.js";

export function cutover() {
  return migrationCommand("cutover", "Cut an online migration over: stop the application first.")
    .option("--databases <names...>", "only these databases")
    .option("--force", "whatever stands in the way of it: docs/online.md")
    .option("--watch", "then watch it, as pgmigrate watch does")
    .addOption(jsonOption)
    .addOption(intervalOption)
    .addOption(timeoutOption)
    .action(async (options) => {
      const service = serviceOf(options);
      const name = migrationNameOf(options);
      const properties = {
        triggerCutover: "True",
        dbsToTriggerCutoverOn: options.databases,
        ...(options.force === true ? { forceCutover: "True" } : {}),
      };
      const migration = await service.update(name, { properties });
      if (options.watch === true) process.exitCode = await watchMigration(service, name, { ...options, until: "end" });
      else print(migrationAnswer(migration), options.output);
    });
}
