import { Option } from "@commander-js/extra-typings";
import { exitCodes } from "../exit-codes.js";
import { migrationBody } from "../migration-body.js";
import { print } from "../output/format.js";
import { migrationAnswer } from "../output/migrations-answer.js";
import { migrationCommand, migrationNameOf, serviceOf } from "../service-options.js";
import { watchMigration } from "../watch/watch-migration.js";
import { intervalOption, jsonOption, timeoutOption, untilOption } from "../watch-options.js";

export function create() {
  return migrationCommand("create", "Create a migration, which starts it.")
    .option("-b, --properties <file>", 'a JSON file, {"properties": {…}}; - is the standard input')
    .option("--migration-mode <mode>", "Offline or Online, over the file's; Offline where neither says")
    .option("--migration-option <option>", "Validate, Migrate or ValidateAndMigrate, over the file's")
    .option("--tags <tags...>", "name=value, separated by spaces")
    .option("-l, --location <location>", "the target server's region")
    .option("--source-password-file <file>", "a file with the password of the source's user")
    .option("--target-password-file <file>", "a file with the password of the target's user")
    .addOption(new Option("--watch", "then watch it, as pgmigrate watch does"))
    .addOption(jsonOption)
    .addOption(intervalOption)
    .addOption(timeoutOption)
    .addOption(untilOption)
    .action(async (options) => {
      const service = serviceOf(options);
      const name = migrationNameOf(options);
      const migration = await service.create(name, await migrationBody(options));
      if (options.watch === true) process.exitCode = await watchMigration(service, name, options);
      else {
        print(migrationAnswer(migration), options.output);
        process.exitCode = exitCodes.succeeded;
      }
    });
}
