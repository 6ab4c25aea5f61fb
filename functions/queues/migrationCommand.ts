import { app as durable } from "durable-functions";
import { parseMigrationCommand } from "../../shared/model/migration-command.js";
import { isRefusal } from "../../shared/model/request-error.js";
import { runCommand } from "../../shared/requests/run-command.js";
import { refuseCommand } from "../../shared/status/queues.js";
import { orchestrationsOf } from "../http/arm/orchestrations.js";

/**
 * Operators' commands. One that is refused ends in migration-commands-poison at once, with the reason there and in the log: the host's own further
 * attempts would carry a cutover out that was refused a minute ago. These are for what may go away by itself.
 */
durable.client.storageQueue("migrationCommand", {
  queueName: "migration-commands",
  connection: "AzureWebJobsStorage",
  handler: async (message, client, context) => {
    try {
      const command = parseMigrationCommand(message);
      await runCommand(command, orchestrationsOf(client));
      context.log(`${command.command} raised on migration ${command.migration.name} of ${command.migration.server}`);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      context.error(`A command was refused: ${error.message}`);
      await refuseCommand(message, error);
    }
  },
});
