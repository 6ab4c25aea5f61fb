import { CommandError } from "../command-error.js";
import { exitCodes } from "../exit-codes.js";
import type { Migration } from "../migration-service.js";
import { print } from "../output/format.js";
import { migrationAnswer } from "../output/migrations-answer.js";
import { migrationCommand, migrationNameOf, serviceOf } from "../service-options.js";

export function cancel() {
  return migrationCommand("cancel", "Cancel a migration, or some of its databases. What has been copied stays.")
    .option("--databases <names...>", "only these databases")
    .action(async (options) => {
      const service = serviceOf(options);
      const properties = { cancel: "True", dbsToCancelMigrationOn: options.databases };
      print(migrationAnswer(await service.update(migrationNameOf(options), { properties })), options.output);
    });
}

/** ARM's DELETE, which is another word for it; az asks before it does so, and so do we where there is somebody to ask. */
export function deleteMigration() {
  return migrationCommand("delete", "Cancel a migration by DELETE, as Azure's API has it.")
    .option("-y, --yes", "do not ask")
    .action(async (options) => {
      const service = serviceOf(options);
      const name = migrationNameOf(options);
      if (options.yes !== true && !(await confirmed(`Cancel migration ${name}?`))) return;
      const migration: Migration | undefined = await service.delete(name);
      if (migration === undefined) throw new CommandError(exitCodes.notFound, `There is no migration ${name}.`);
      print(migrationAnswer(migration), options.output);
    });
}

async function confirmed(question: string): Promise<boolean> {
  if (process.stdin.isTTY !== true) {
    throw new CommandError(exitCodes.usage, `${question} There is no terminal to ask on: give --yes.`);
  }
  const { createInterface } = await import("node:readline/promises");
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} (y/N) `)).trim());
  } finally {
    lines.close();
  }
}
