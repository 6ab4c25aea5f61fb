import { usageError } from "../command-error.js";
import { tagsOf } from "../migration-body.js";
import { print } from "../output/format.js";
import { migrationAnswer } from "../output/migrations-answer.js";
import { migrationCommand, migrationNameOf, serviceOf } from "../service-options.js";

export function update() {
  return migrationCommand("update", "Tell a migration to go on, to cut over or to stop.")
    .option("--cutover", "cut an online migration over")
    .option("--cancel", "cancel it")
    .option("--setup-replication", "set the source up for logical replication")
    .option("--confirm-overwrite", "replace the target's databases of the same name")
    .option("--start-data-migration", "start what was created with startDataMigration False")
    .option("--databases <names...>", "with --cutover or --cancel: only these databases")
    .option("--tags <tags...>", "name=value, separated by spaces")
    .action(async (options) => {
      const changes = {
        cutover: { triggerCutover: "True", dbsToTriggerCutoverOn: options.databases },
        cancel: { cancel: "True", dbsToCancelMigrationOn: options.databases },
        setupReplication: { setupLogicalReplicationOnSourceDbIfNeeded: "True" },
        confirmOverwrite: { overwriteDbsInTarget: "True" },
        startDataMigration: { startDataMigration: "True" },
      };
      const asked = (Object.keys(changes) as (keyof typeof changes)[]).filter((name) => options[name] === true);
      const [change] = asked;
      if (asked.length > 1) throw usageError("Only one of --cutover, --cancel and the like can be given.");
      if (options.databases !== undefined && change !== "cutover" && change !== "cancel") {
        throw usageError("--databases goes with --cutover or --cancel.");
      }
      if (change === undefined && options.tags === undefined) {
        throw usageError("Nothing to change: give --cutover, --cancel, --setup-replication or --tags.");
      }
      const body = {
        ...(options.tags === undefined ? {} : { tags: tagsOf(options.tags) }),
        ...(change === undefined ? {} : { properties: changes[change] }),
      };
      print(migrationAnswer(await serviceOf(options).update(migrationNameOf(options), body)), options.output);
    });
}
