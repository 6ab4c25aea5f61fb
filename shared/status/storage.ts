/**
 * The storage account behind shared/status: table and queue clients, made once a process, tables and queues created when
 * they are first touched. Only shared/status may import this.
 */
import {
  odata,
  RestError,
  TableClient,
  type TableEntity,
  type TableEntityResult,
  type TableServiceClientOptions,
  TableTransaction,
  type TransactionAction,
} from "@azure/data-tables";
import { QueueClient, type StoragePipelineOptions } from "@azure/storage-queue";
import { z } from "zod";
import { settings } from "../settings.js";

export { odata };

export type TableName =
  | "Migrations"
  | "MigrationDatabases"
  | "MigrationTables"
  | "MigrationStatements"
  | "MigrationValidations"
  | "MigrationTransitions"
  | "MigrationSamples"
  | "MigrationClaims"
  | "MigrationJanitor"
  | "MigrationSecrets";
export type QueueName =
  | "migration-events"
  | "migration-commands"
  | "migration-commands-poison"
  | "migration-notifications"
  | "migration-notifications-poison";

/** A column that Merge writes; undefined leaves the stored value alone. */
export type Column = string | number | boolean | Date | { type: "Int64"; value: string } | undefined;
export type Columns = Record<string, Column>;
export type Row = TableEntityResult<Record<string, unknown>>;

/** A string column holds 64 KiB, that is 32 Ki UTF-16 code units. */
const maximumText = 32_000;

type AdditionalPolicy = NonNullable<TableServiceClientOptions["additionalPolicies"]>[number];

const tables = new Map<TableName, Promise<TableClient>>();
const queues = new Map<QueueName, Promise<QueueClient>>();

/** The client of a table that exists. */
export function table(name: TableName): Promise<TableClient> {
  return once(tables, name, async () => {
    const client = await tableClient(name);
    await client.createTable();
    return client;
  });
}

/** The client of a queue that exists. */
export function queue(name: QueueName): Promise<QueueClient> {
  return once(queues, name, async () => {
    const client = await queueClient(name);
    await client.createIfNotExists();
    return client;
  });
}

/** Forgets the clients, so that the next use reads the settings again: for tests that start another storage account. */
export function forgetClients(): void {
  tables.clear();
  queues.clear();
}

/**
 * Puts a JSON message on a queue, in base64 as the Functions host's queue trigger and Storage Explorer expect by default.
 * @param seconds it is seen so much later
 */
export async function enqueue(name: QueueName, message: unknown, seconds = 0): Promise<void> {
  const client = await queue(name);
  const text = Buffer.from(JSON.stringify(message), "utf8").toString("base64");
  await client.sendMessage(text, seconds === 0 ? {} : { visibilityTimeout: seconds });
}

/** One row, or undefined. */
export async function getRow(name: TableName, partitionKey: string, rowKey: string): Promise<Row | undefined> {
  const client = await table(name);
  try {
    return await client.getEntity<Record<string, unknown>>(partitionKey, rowKey);
  } catch (error) {
    if (isStatus(error, 404)) return undefined;
    throw error;
  }
}

/** Rows that match an odata filter, fetched page by page while they are consumed. */
export async function* queryRows(name: TableName, filter: string): AsyncGenerator<Row> {
  const client = await table(name);
  yield* client.listEntities<Record<string, unknown>>({ queryOptions: { filter } });
}

/** Writes the columns that are given and leaves the row's others; creates the row when it is not there. */
export async function mergeRow(name: TableName, partitionKey: string, rowKey: string, columns: Columns): Promise<void> {
  const client = await table(name);
  await client.upsertEntity({ ...storable(columns), partitionKey, rowKey }, "Merge");
}

/** Merges many rows of one partition: transactions of at most 100 rows, a few at a time. Row keys must be distinct. */
export async function mergeRows(
  name: TableName,
  partitionKey: string,
  rows: readonly { rowKey: string; columns: Columns }[],
): Promise<void> {
  await inTransactions(
    name,
    rows.map(({ rowKey, columns }) => ["upsert", entity(partitionKey, rowKey, columns), "Merge"]),
  );
}

/** Deletes the rows that match a filter; rows that are already gone do not matter. */
export async function deleteRows(name: TableName, filter: string): Promise<void> {
  const byPartition = new Map<string, TransactionAction[]>();
  for await (const { partitionKey, rowKey } of queryRows(name, filter)) {
    if (partitionKey === undefined || rowKey === undefined) continue;
    const actions = byPartition.get(partitionKey) ?? [];
    actions.push(["delete", { partitionKey, rowKey }]);
    byPartition.set(partitionKey, actions);
  }
  for (const actions of byPartition.values()) {
    try {
      await inTransactions(name, actions);
    } catch (error) {
      if (!isStatus(error, 404)) throw error;
      // Somebody else is deleting the same rows: one by one, then, so that none is left.
      const client = await table(name);
      for (const [, { partitionKey, rowKey }] of actions) {
        await client.deleteEntity(partitionKey, rowKey).catch((gone: unknown) => {
          if (!isStatus(gone, 404)) throw gone;
        });
      }
    }
  }
}

/** Runs one transaction: all actions in one partition, at most 100, done all or none. */
export async function transact(name: TableName, actions: readonly TransactionAction[]): Promise<void> {
  const client = await table(name);
  await client.submitTransaction(new TableTransaction([...actions]).actions);
}

/** An entity of these columns, texts cut to what a column can hold. */
export function entity(partitionKey: string, rowKey: string, columns: Columns): TableEntity<Columns> {
  return { ...storable(columns), partitionKey, rowKey };
}

/** A 64-bit column: bytes and rows outgrow 32 bits. */
export function int64(value: number): { type: "Int64"; value: string };
export function int64(value: number | undefined): { type: "Int64"; value: string } | undefined;
export function int64(value: number | undefined): { type: "Int64"; value: string } | undefined {
  return value === undefined ? undefined : { type: "Int64", value: String(Math.round(value)) };
}

/** Reads a number column however it is typed: absent is 0. */
export const numberColumn = z
  .union([z.bigint(), z.number(), z.string()])
  .optional()
  .transform((value) => Number(value ?? 0));
/** Reads a text column: absent is "". */
export const textColumn = z.string().optional().default("");
/** Reads a text column that means nothing when it is empty. */
export const optionalText = z
  .string()
  .optional()
  .transform((text) => (text === "" ? undefined : text));
export const booleanColumn = z.boolean().optional().default(false);
/** Reads a time column as ISO 8601, UTC. */
export const timeColumn = z
  .union([z.date(), z.string()])
  .optional()
  .transform((time) => (time === undefined || time === "" ? undefined : new Date(time).toISOString()));

/** Whether an error is the storage account's answer with this HTTP status. */
export function isStatus(error: unknown, status: number): boolean {
  return error instanceof RestError && error.statusCode === status;
}

async function inTransactions(name: TableName, actions: readonly TransactionAction[]): Promise<void> {
  const chunks: TransactionAction[][] = [];
  for (let start = 0; start < actions.length; start += 100) chunks.push(actions.slice(start, start + 100));
  const client = await table(name);
  const worker = async () => {
    for (let chunk = chunks.shift(); chunk !== undefined; chunk = chunks.shift()) await client.submitTransaction(chunk);
  };
  await Promise.all(Array.from({ length: Math.min(4, chunks.length) }, worker));
}

function storable(columns: Columns): Columns {
  return Object.fromEntries(
    Object.entries(columns)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, typeof value === "string" ? cut(value) : value]),
  );
}

function cut(text: string): string {
  return text.length <= maximumText ? text : `${text.slice(0, maximumText)}…`;
}

/** Milliseconds that the storage account has to answer one request; then it is sent again. Its own limit for a query is as long. */
const requestLimitMs = 30_000;

/** Attempts in all, one, two and four seconds apart; who can wait longer tries again itself (isPlatformFault). */
const requestAttempts = 4;

/** Without a limit of its own, a request whose answer is lost on the way would hold its caller for ever. */
const limited: AdditionalPolicy = {
  position: "perRetry",
  policy: {
    name: "requestLimit",
    sendRequest: async (request, next) => {
      request.timeout = requestLimitMs;
      try {
        return await next(request);
      } catch (error) {
        if (!(error instanceof Error) || error.name !== "AbortError" || request.abortSignal?.aborted === true)
          throw error;
        throw new RestError(`The storage account has not answered within ${requestLimitMs / 1_000} s.`, {
          code: "ETIMEDOUT",
          request,
        });
      }
    },
  },
};

const tableOptions: TableServiceClientOptions = {
  retryOptions: { maxRetries: requestAttempts - 1 },
  additionalPolicies: [limited],
};

const queueOptions: StoragePipelineOptions = {
  retryOptions: { maxTries: requestAttempts, tryTimeoutInMs: requestLimitMs, retryDelayInMs: 1_000 },
};

async function tableClient(name: TableName): Promise<TableClient> {
  const connection = settings().storageConnection;
  if (connection.kind === "identity") {
    return new TableClient(connection.tableServiceUri, name, await credential(connection.clientId), tableOptions);
  }
  // Azurite on this machine speaks plain HTTP.
  const options: TableServiceClientOptions = {
    ...tableOptions,
    allowInsecureConnection: /http:\/\/|UseDevelopmentStorage/i.test(connection.connectionString),
  };
  return TableClient.fromConnectionString(connection.connectionString, name, options);
}

async function queueClient(name: QueueName): Promise<QueueClient> {
  const connection = settings().storageConnection;
  if (connection.kind === "identity") {
    const address = `${connection.queueServiceUri.replace(/\/$/, "")}/${name}`;
    return new QueueClient(address, await credential(connection.clientId), queueOptions);
  }
  return new QueueClient(connection.connectionString, name, queueOptions);
}

async function credential(clientId: string | undefined) {
  // Loaded only where it is used: it is by far the largest dependency at start-up.
  const { DefaultAzureCredential } = await import("@azure/identity");
  return new DefaultAzureCredential(clientId === undefined ? {} : { managedIdentityClientId: clientId });
}

function once<Name, Client>(
  clients: Map<Name, Promise<Client>>,
  name: Name,
  make: () => Promise<Client>,
): Promise<Client> {
  let client = clients.get(name);
  if (client === undefined) {
    client = make();
    clients.set(name, client);
    // A failure is not remembered: the storage account may be back for the next caller.
    client.catch(() => clients.delete(name));
  }
  return client;
}
