/**
 * Table `MigrationSamples`: how far a database was at a time, PartitionKey the migration's key, RowKey `database|time`. What curves
 * are drawn from; nothing is decided by it.
 */
import { z } from "zod";
import { compoundKey, compoundKeyRange } from "./entity-key.js";
import { int64, mergeRow, odata, queryRows, type Row, timeColumn } from "./storage.js";

/** Samples of a database that fall into the same span replace each other. */
const spanMs = 5_000;

const optionalNumber = z
  .union([z.bigint(), z.number(), z.string()])
  .optional()
  .transform((value) => (value === undefined ? undefined : Number(value)));

const SampleRowColumns = z.object({
  database: z.string(),
  time: timeColumn,
  bytesTotal: optionalNumber,
  bytesCopied: optionalNumber,
  latencySeconds: optionalNumber,
  /** Bytes of the source's WAL since following began, and how many of them the target has confirmed. */
  incomingChanges: optionalNumber,
  appliedChanges: optionalNumber,
});

/** A row of `MigrationSamples`, parsed. Times are ISO 8601, UTC. */
export type SampleRow = z.infer<typeof SampleRowColumns>;

/** The span of time in which a sample taken now belongs: one that is in the span of the last need not be kept. */
export function sampleSpan(at = Date.now()): number {
  return Math.floor(at / spanMs) * spanMs;
}

/** Keeps a sample of a database as of now. */
export async function keepSample(
  key: string,
  database: string,
  sample: Partial<Omit<SampleRow, "database" | "time">>,
): Promise<void> {
  const now = new Date();
  await mergeRow("MigrationSamples", key, rowKeyOf(database, new Date(sampleSpan(now.getTime())).toISOString()), {
    database,
    time: now,
    bytesTotal: int64(sample.bytesTotal),
    bytesCopied: int64(sample.bytesCopied),
    latencySeconds: sample.latencySeconds,
    incomingChanges: int64(sample.incomingChanges),
    appliedChanges: int64(sample.appliedChanges),
  });
}

/** The samples of a database since a time (ISO 8601, UTC), oldest first. */
export async function* listSamples(key: string, database: string, since: string): AsyncGenerator<SampleRow> {
  const { to } = compoundKeyRange(database);
  const from = rowKeyOf(database, since);
  for await (const row of queryRows(
    "MigrationSamples",
    odata`PartitionKey eq ${key} and RowKey ge ${from} and RowKey lt ${to}`,
  )) {
    yield parse(row);
  }
}

function rowKeyOf(database: string, time: string): string {
  return compoundKey(database, time);
}

function parse(row: Row): SampleRow {
  return SampleRowColumns.parse(row);
}
