/** The command line: every command, in the order in which help and docs/cli.md list them. */
import { Command } from "@commander-js/extra-typings";
import { cancel, deleteMigration } from "./commands/cancel.js";
import { checkNameAvailability } from "./commands/check-name-availability.js";
import { create } from "./commands/create.js";
import { cutover } from "./commands/cutover.js";
import { databases } from "./commands/databases.js";
import { list } from "./commands/list.js";
import { listDatabases } from "./commands/list-databases.js";
import { report } from "./commands/report.js";
import { show } from "./commands/show.js";
import { statements } from "./commands/statements.js";
import { tables } from "./commands/tables.js";
import { testConnection } from "./commands/test-connection.js";
import { update } from "./commands/update.js";
import { validate } from "./commands/validate.js";
import { watch } from "./commands/watch.js";

export function program(version: string): Command {
  const root = new Command("pgmigrate")
    .description("Moves PostgreSQL databases between servers, by the migration service.")
    .version(version, "-v, --version", "print the version")
    .helpCommand("help [command]", "print the help of a command")
    .showHelpAfterError("(pgmigrate help lists the commands, pgmigrate help COMMAND its options)");
  const commands = [
    ...[testConnection(), listDatabases(), validate(), create(), watch(), show(), list()],
    ...[
      databases(),
      tables(),
      statements(),
      report(),
      cutover(),
      cancel(),
      update(),
      deleteMigration(),
      checkNameAvailability(),
    ],
  ];
  for (const command of commands) root.addCommand(command as unknown as Command);
  return root;
}
