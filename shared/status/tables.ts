/** Table `MigrationTables`: one row a part of a table, PartitionKey the migration's key, RowKey `database|schema.table|0003`. */
import { z } from "zod";
import { PartState } from "../model/states.js";
import { Verification } from "../model/verification.js";
import { compoundKey, compoundKeyRange, qualifiedComponent } from "./entity-key.js";
import {
  type Columns,
  deleteRows,
  int64,
  mergeRows,
  numberColumn,
  odata,
  optionalText,
  queryRows,
  type Row,
  timeColumn,
} from "./storage.js";

const PartRowColumns = z.object({
  database: z.string(),
  schemaName: z.string(),
  tableName: z.string(),
  /** Number of the part in its table, from 1. */
  part: numberColumn,
  /** How many parts the table has. */
  parts: numberColumn,
  /** The heap blocks that the part covers, both included; -1 for lastBlock means to the end. */
  firstBlock: numberColumn,
  lastBlock: numberColumn,
  state: PartState,
  /** The function-app instance that copied it, or is copying it. */
  instance: optionalText,
  rows: numberColumn,
  /** Bytes of COPY data so far. */
  bytes: numberColumn,
  /** Bytes on the source's disk, for planning and progress. */
  bytesEstimated: numberColumn,
  error: optionalText,
  /** How the part's table has been verified: Checksums or Counts; undefined until it is. */
  verified: z.preprocess((value) => (value === "" ? undefined : value), Verification.optional()),
  /** What both servers have computed over the table's rows: 16 hexadecimal digits. */
  checksum: optionalText,
  attempt: numberColumn,
  startedOn: timeColumn,
  endedOn: timeColumn,
});

/** A row of `MigrationTables`, parsed. Times are ISO 8601, UTC. */
export type PartRow = z.infer<typeof PartRowColumns>;

/** What identifies a part. */
export type PartIdentity = Pick<PartRow, "database" | "schemaName" | "tableName" | "part">;

/** A part and the columns to write; those left out keep their value, "" clears a text. */
export type PartPatch = PartIdentity & {
  readonly [Column in keyof Omit<PartRow, keyof PartIdentity>]?: PartRow[Column];
};

/** Writes what is known of parts, leaving the other columns alone. A part that occurs twice has the last one's columns win. */
export async function recordParts(key: string, parts: readonly PartPatch[]): Promise<void> {
  const byRow = new Map<string, Columns>();
  for (const part of parts) {
    const rowKey = partKey(part);
    byRow.set(rowKey, { ...byRow.get(rowKey), ...columnsOf(part) });
  }
  await mergeRows(
    "MigrationTables",
    key,
    [...byRow].map(([rowKey, columns]) => ({ rowKey, columns })),
  );
}

/** The parts of a migration, or of one of its databases, in key order, fetched while they are consumed. */
export async function* listParts(
  key: string,
  options: { database?: string | undefined; modifiedSince?: string | undefined } = {},
): AsyncGenerator<PartRow> {
  const filter = partsFilter(key, options.database);
  const modified =
    options.modifiedSince === undefined ? "" : odata` and Timestamp ge ${new Date(options.modifiedSince)}`;
  for await (const row of queryRows("MigrationTables", filter + modified)) yield parse(row);
}

/** Forgets the parts of a database: its copy starts over from a new snapshot with a new plan. */
export async function clearParts(key: string, database: string): Promise<void> {
  await deleteRows("MigrationTables", partsFilter(key, database));
}

function partsFilter(key: string, database: string | undefined): string {
  if (database === undefined) return odata`PartitionKey eq ${key}`;
  const { from, to } = compoundKeyRange(database);
  return odata`PartitionKey eq ${key} and RowKey ge ${from} and RowKey lt ${to}`;
}

function partKey({ database, schemaName, tableName, part }: PartIdentity): string {
  return compoundKey(database, qualifiedComponent(schemaName, tableName), String(part).padStart(4, "0"));
}

function columnsOf(part: PartPatch): Columns {
  return {
    ...definedOnly(part),
    ...definedOnly({
      firstBlock: int64(part.firstBlock),
      lastBlock: int64(part.lastBlock),
      rows: int64(part.rows),
      bytes: int64(part.bytes),
      bytesEstimated: int64(part.bytesEstimated),
      startedOn: part.startedOn === undefined ? undefined : new Date(part.startedOn),
      endedOn: part.endedOn === undefined ? undefined : new Date(part.endedOn),
    }),
  };
}

function definedOnly(columns: Columns): Columns {
  return Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined));
}

function parse(row: Row): PartRow {
  return PartRowColumns.parse(row);
}
