import { odata, type TableClient, type TableEntity, type TransactionAction } from "@azure/data-tables";
import type { HistoryEvent } from "./history-event.js";
import { type InstanceRecord, isTerminal, type RuntimeStatus } from "./instance-record.js";
import { TextColumns } from "./text-columns.js";
import { submit } from "./transaction.js";

/**
 * Orchestrations in the storage account, in tables named as DurableTask-AzureStorage names them: {hub}Instances, {hub}History,
 * {hub}LargeMessages, and {hub}Inbox for what clients sent and no turn has taken up yet.
 */
export interface Tables {
  instances: TableClient;
  history: TableClient;
  largeMessages: TableClient;
  inbox: TableClient;
}

export interface InstanceFilter {
  runtimeStatus?: RuntimeStatus[];
  createdTimeFrom?: Date;
  createdTimeTo?: Date;
  instanceIdPrefix?: string;
}

export interface InstancePage {
  records: InstanceRecord[];
  continuationToken: string | undefined;
}

type Row = Record<string, unknown>;

/** Columns of a history row, in the order in which Storage Explorer shows them. */
const TEXT_COLUMNS = [
  "Name",
  "Input",
  "Result",
  "Reason",
  "Details",
  "FailureDetails",
  "InstanceId",
  "Version",
  "FireAt",
  "OrchestrationStatus",
  "MessageId",
] as const;
const NUMBER_COLUMNS = ["EventId", "TaskScheduledId", "TimerId"] as const;

export class DurableStore {
  readonly #tables: Tables;
  readonly #texts: TextColumns;
  readonly #hub: string;

  constructor(tables: Tables, hub: string) {
    this.#tables = tables;
    this.#texts = new TextColumns(tables.largeMessages);
    this.#hub = hub;
  }

  async open(): Promise<void> {
    await Promise.all(Object.values(this.#tables).map((table: TableClient) => table.createTable()));
  }

  async find(instanceId: string): Promise<InstanceRecord | undefined> {
    try {
      return await this.#toRecord(await this.#tables.instances.getEntity<Row>(instanceId, ""));
    } catch (error) {
      if (isNotFound(error)) {
        return undefined;
      }
      throw error;
    }
  }

  async put(record: InstanceRecord): Promise<void> {
    const { instanceId, parent } = record;
    const entity: TableEntity<Row> = {
      partitionKey: instanceId,
      rowKey: "",
      ExecutionId: record.executionId,
      Generation: record.generation,
      Name: record.name,
      Version: record.version,
      ...(await this.#texts.write(instanceId, `instance.${record.generation}`, {
        Input: record.input,
        Output: record.output,
        CustomStatus: record.customStatus,
      })),
      RuntimeStatus: record.runtimeStatus,
      CreatedTime: record.createdTime,
      LastUpdatedTime: record.lastUpdatedTime,
      ...(record.completedTime === undefined ? {} : { CompletedTime: record.completedTime }),
      HistoryLength: record.historyLength,
      TaskHubName: this.#hub,
      ...(parent === undefined
        ? {}
        : { ParentInstanceId: parent.instanceId, ParentExecutionId: parent.executionId, ParentTaskId: parent.taskId }),
    };
    await this.#tables.instances.upsertEntity(entity, "Replace");
  }

  /** Instances that have not ended, for the start of the host. */
  async running(): Promise<InstanceRecord[]> {
    const statuses: RuntimeStatus[] = ["Pending", "Running", "Suspended", "ContinuedAsNew"];
    const records: InstanceRecord[] = [];
    let token: string | undefined;
    do {
      const page = await this.list({ runtimeStatus: statuses }, 500, token);
      records.push(...page.records);
      token = page.continuationToken;
    } while (token !== undefined);
    return records;
  }

  async list(filter: InstanceFilter, top: number, continuationToken: string | undefined): Promise<InstancePage> {
    const conditions = [
      ...(filter.runtimeStatus?.length
        ? [`(${filter.runtimeStatus.map((status) => odata`RuntimeStatus eq ${status}`).join(" or ")})`]
        : []),
      ...(filter.createdTimeFrom ? [odata`CreatedTime ge ${filter.createdTimeFrom}`] : []),
      ...(filter.createdTimeTo ? [odata`CreatedTime le ${filter.createdTimeTo}`] : []),
      ...(filter.instanceIdPrefix
        ? [odata`PartitionKey ge ${filter.instanceIdPrefix} and PartitionKey lt ${`${filter.instanceIdPrefix}\uffff`}`]
        : []),
    ];
    const queryOptions = conditions.length > 0 ? { queryOptions: { filter: conditions.join(" and ") } } : {};
    const pages = this.#tables.instances
      .listEntities<Row>(queryOptions)
      .byPage({ maxPageSize: top, ...(continuationToken === undefined ? {} : { continuationToken }) });
    for await (const page of pages) {
      const records = await Promise.all(page.map((row) => this.#toRecord(row)));
      return { records, continuationToken: page.continuationToken };
    }
    return { records: [], continuationToken: undefined };
  }

  async history(record: InstanceRecord): Promise<HistoryEvent[]> {
    const { instanceId, generation } = record;
    const rows = this.#tables.history.listEntities<Row>({
      queryOptions: {
        filter: odata`PartitionKey eq ${instanceId} and RowKey ge ${historyKey(generation, 0)} and RowKey lt ${historyKey(generation, record.historyLength)}`,
      },
    });
    const events: HistoryEvent[] = [];
    for await (const row of rows) {
      events.push(await this.#toEvent(instanceId, row));
    }
    return events;
  }

  /** Writes a turn's events after those committed before. They count only once the record with its new length is put. */
  async append(record: InstanceRecord, events: readonly HistoryEvent[]): Promise<void> {
    const { instanceId, generation } = record;
    const actions: TransactionAction[] = [];
    let index = record.historyLength;
    for (const event of events) {
      const key = historyKey(generation, index++);
      actions.push(["upsert", await this.#toHistoryRow(record, key, event), "Replace"]);
    }
    await submit(this.#tables.history, actions);
    if (generation > 0 && record.historyLength === 0) {
      await this.#deletePartition(this.#tables.history, instanceId, odata`RowKey lt ${historyKey(generation, 0)}`);
    }
  }

  /** Removes everything about the instance. */
  async remove(instanceId: string): Promise<void> {
    await Promise.all([
      this.#deletePartition(this.#tables.history, instanceId),
      this.#deletePartition(this.#tables.largeMessages, instanceId),
      this.#deletePartition(this.#tables.inbox, instanceId),
    ]);
    await this.#tables.instances.deleteEntity(instanceId, "").catch((error: unknown) => {
      if (!isNotFound(error)) {
        throw error;
      }
    });
  }

  async putMessage(instanceId: string, messageId: string, event: HistoryEvent): Promise<void> {
    const entity = {
      partitionKey: instanceId,
      rowKey: messageId,
      ...(await this.#texts.write(instanceId, `inbox.${messageId}`, { Event: JSON.stringify(event) })),
    };
    await this.#tables.inbox.upsertEntity(entity, "Replace");
  }

  async removeMessages(instanceId: string, messageIds: readonly string[]): Promise<void> {
    const actions = messageIds.map((rowKey): TransactionAction => ["delete", { partitionKey: instanceId, rowKey }]);
    await submit(this.#tables.inbox, actions);
  }

  /** Messages in the order in which they came. */
  async messages(instanceId: string): Promise<HistoryEvent[]> {
    const rows = this.#tables.inbox.listEntities<Row>({
      queryOptions: { filter: odata`PartitionKey eq ${instanceId}` },
    });
    const events: HistoryEvent[] = [];
    for await (const row of rows) {
      const text = await this.#texts.read(instanceId, row, "Event");
      events.push({ ...(JSON.parse(text ?? "{}") as HistoryEvent), MessageId: String(row.rowKey) });
    }
    return events;
  }

  async #toHistoryRow(record: InstanceRecord, key: string, event: HistoryEvent): Promise<TableEntity<Row>> {
    const texts = Object.fromEntries(TEXT_COLUMNS.map((column) => [column, event[column]]));
    const numbers = Object.fromEntries(
      NUMBER_COLUMNS.flatMap((column) => (event[column] === undefined ? [] : [[column, event[column]]])),
    );
    return {
      partitionKey: record.instanceId,
      rowKey: key,
      EventType: event.EventType,
      _Timestamp: new Date(event.Timestamp),
      ExecutionId: record.executionId,
      ...numbers,
      ...(await this.#texts.write(record.instanceId, key, texts)),
    };
  }

  async #toEvent(instanceId: string, row: Row): Promise<HistoryEvent> {
    const event: Row = { EventType: row.EventType, Timestamp: toDate(row._Timestamp).toISOString() };
    for (const column of NUMBER_COLUMNS) {
      if (row[column] !== undefined) {
        event[column] = Number(row[column]);
      }
    }
    for (const column of TEXT_COLUMNS) {
      const text = await this.#texts.read(instanceId, row, column);
      if (text !== undefined) {
        event[column] = text;
      }
    }
    return event as unknown as HistoryEvent;
  }

  async #toRecord(row: Row): Promise<InstanceRecord> {
    const instanceId = String(row.partitionKey);
    const [input, output, customStatus] = await Promise.all([
      this.#texts.read(instanceId, row, "Input"),
      this.#texts.read(instanceId, row, "Output"),
      this.#texts.read(instanceId, row, "CustomStatus"),
    ]);
    return {
      instanceId,
      executionId: String(row.ExecutionId),
      generation: Number(row.Generation),
      name: String(row.Name),
      version: String(row.Version ?? ""),
      input: input ?? "null",
      output,
      customStatus,
      runtimeStatus: row.RuntimeStatus as RuntimeStatus,
      createdTime: toDate(row.CreatedTime),
      lastUpdatedTime: toDate(row.LastUpdatedTime),
      completedTime: row.CompletedTime === undefined ? undefined : toDate(row.CompletedTime),
      historyLength: Number(row.HistoryLength),
      parent:
        row.ParentInstanceId === undefined
          ? undefined
          : {
              instanceId: String(row.ParentInstanceId),
              executionId: String(row.ParentExecutionId),
              taskId: Number(row.ParentTaskId),
            },
    };
  }

  async #deletePartition(table: TableClient, partition: string, condition?: string): Promise<void> {
    const filter = odata`PartitionKey eq ${partition}` + (condition === undefined ? "" : ` and ${condition}`);
    const actions: TransactionAction[] = [];
    for await (const row of table.listEntities({ queryOptions: { filter, select: ["PartitionKey", "RowKey"] } })) {
      actions.push(["delete", { partitionKey: partition, rowKey: row.rowKey ?? "" }]);
    }
    await submit(table, actions);
  }
}

export function isNotFound(error: unknown): boolean {
  return typeof error === "object" && error !== null && "statusCode" in error && error.statusCode === 404;
}

/** Whether a new orchestration may take the place of this one (overridableExistingInstanceStates: NonRunningStates). */
export function mayBeOverwritten(record: InstanceRecord | undefined): boolean {
  return record === undefined || isTerminal(record.runtimeStatus);
}

function historyKey(generation: number, index: number): string {
  return `${String(generation).padStart(8, "0")}.${String(index).padStart(8, "0")}`;
}

/** An Edm.DateTime with its milliseconds: an orchestrator that is replayed must read the clock that it read at first. */
function toDate(value: unknown): Date {
  return value instanceof Date ? value : new Date(String(value));
}
