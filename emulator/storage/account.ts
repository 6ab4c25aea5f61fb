import { TableClient } from "@azure/data-tables";
import { type QueueClient, QueueServiceClient } from "@azure/storage-queue";
import type { Tables } from "../durable/store.js";

/** Clients for a storage account, from its connection string. */

/** The Durable engine's tables of one hub. */
export function durableTables(connection: string, hub: string): Tables {
  const table = (name: string) =>
    TableClient.fromConnectionString(connection, `${hub}${name}`, { allowInsecureConnection: true });
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
