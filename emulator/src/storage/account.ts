import { TableClient } from "@azure/data-tables";
import { type QueueClient, QueueServiceClient } from "@azure/storage-queue";
import type { Tables } from "../durable/store.js";

/** Clients for a storage account, from its connection string. */

/** The Durable engine's tables of one hub. */
export function durableTables(connection: string, hub: string): Tables {
  const table = (name: string): TableClient => {
    const client = TableClient.fromConnectionString(connection, `${hub}${name}`, { allowInsecureConnection: true });
    client.pipeline.addPolicy(asciiBodies, { afterPhase: "Serialize" });
    return client;
  };
  return {
    instances: table("Instances"),
    history: table("History"),
    largeMessages: table("LargeMessages"),
    inbox: table("Inbox"),
  };
}

export function queueClient(connection: string, queueName: string): QueueClient {
  return QueueServiceClient.fromConnectionString(connection).getQueueClient(queueName);
}

type Policy = Parameters<TableClient["pipeline"]["addPolicy"]>[0];

/**
 * Azurite reads a request's body chunk by chunk and makes text of each alone (generated/utils/serializer.js), which breaks a
 * character whose bytes fall into two chunks. JSON can say everything in ASCII.
 */
const asciiBodies: Policy = {
  name: "asciiBodies",
  sendRequest: async (request, next) => {
    if (typeof request.body === "string") {
      request.body = request.body.replace(
        /[\u0080-\uffff]/g,
        (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
      );
      request.headers.delete("Content-Length");
    }
    return await next(request);
  },
};
