import { Option } from "@commander-js/extra-typings";
import { usageError } from "../command-error.js";
import { exitCodes } from "../exit-codes.js";
import type { SchemaStatement } from "../migration-service.js";
import { print } from "../output/format.js";
import { migrationAnswer } from "../output/migrations-answer.js";
import type { Column } from "../output/table.js";
import { withPasswords } from "../passwords.js";
import { migrationCommand, migrationNameOf, serviceOf } from "../service-options.js";
import { watchMigration } from "../watch/watch-migration.js";
import { intervalOption, jsonOption, timeoutOption } from "../watch-options.js";

const columns: readonly Column<SchemaStatement>[] = [
  { title: "#", value: ({ order }) => order, right: true },
  { title: "Database", value: ({ database }) => database },
  { title: "Object", value: ({ object }) => object },
  { title: "Fate", value: ({ fate }) => fate },
  { title: "Code", value: ({ code }) => code },
  { title: "Message", value: ({ message }) => message },
];

export function statements() {
  return migrationCommand(
    "statements",
    "List the schema's statements that the target did not take at once, print them as a script, or try them again.",
    "table",
  )
    .option("--database <name>", "only this database")
    .addOption(
      new Option("--fate <fate>", "only statements with this fate").choices(["applied", "leftOut", "refused"] as const),
    )
    .option("--sql", "a script for psql of what is left to apply, each statement under what the server said")
    .option("--retry", "apply again what an ended migration could not; nothing is copied")
    .option("--target-user <user>", "with --retry: another user of the target, who may do more")
    .option("--target-password-file <file>", "with --retry: a file with the password of the target's user")
    .addOption(new Option("--watch", "with --retry: then watch it to its end, as pgmigrate watch does"))
    .addOption(jsonOption)
    .addOption(intervalOption)
    .addOption(timeoutOption)
    .action(async (options) => {
      const service = serviceOf(options);
      const name = migrationNameOf(options);
      if (options.sql === true && options.retry === true) {
        throw usageError("--sql and --retry are two things: give one of them.");
      }
      if (options.retry !== true) {
        if (options.watch === true || options.targetUser !== undefined) {
          throw usageError("--watch and --target-user go with --retry: add it, or leave them out.");
        }
        if (options.sql === true) process.stdout.write(await service.statementsScript(name, options));
        else {
          const rows = await service.statements(name, options);
          print({ value: rows, rows, columns }, options.output);
        }
        return;
      }
      if (options.database !== undefined || options.fate !== undefined) {
        throw usageError("--retry tries everything that is left: leave --database and --fate out.");
      }
      const secretParameters = options.targetUser === undefined ? {} : { targetServerUsername: options.targetUser };
      const properties = await withPasswords({ secretParameters }, ["target"], options);
      const migration = await service.retryStatements(name, { properties });
      if (options.watch === true) {
        process.exitCode = await watchMigration(service, name, { ...options, until: "end" });
      } else {
        print(migrationAnswer(migration), options.output);
        process.exitCode = exitCodes.succeeded;
      }
    });
}
