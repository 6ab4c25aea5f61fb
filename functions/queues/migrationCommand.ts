import { app as durable } from "durable-functions";
import { parseMigrationCommand } from "../../shared/model/migration-command.js";
import { runCommand } from "../../shared/requests/run-command.js";
import { orchestrationsOf } from "../http/arm/orchestrations.js";

/** Operators' commands. A message that cannot be carried out ends in migration-commands-poison, with the reason in the log. */
durable.client.storageQueue("migrationCommand", {
  queueName: "migration-commands",
  connection: "AzureWebJobsStorage",
  handler: async (message, client, context) => {
    const command = parseMigrationCommand(message);
    await runCommand(command, orchestrationsOf(client));
    context.log(`${command.command} raised on migration ${command.migration.name} of ${command.migration.server}`);
  },
});
