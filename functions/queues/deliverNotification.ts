import { app } from "@azure/functions";
import { deliverNotification } from "../../shared/notifications/deliver-notification.js";

/** Sends events to the migrations' webhooks. What a receiver does not take is put off here; the host's own attempts are for our storage. */
app.storageQueue("deliverNotification", {
  queueName: "migration-notifications",
  connection: "AzureWebJobsStorage",
  handler: async (message, context) => {
    const problem = await deliverNotification(message);
    if (problem !== undefined) context.warn(problem);
  },
});
