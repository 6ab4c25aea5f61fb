import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import type { TableClient } from "@azure/data-tables";

/**
 * Text of any length in Table Storage, where a property ends at 64 KiB and an entity at 1 MiB: what does not fit a column goes,
 * compressed, into rows of the table {hub}LargeMessages. (DurableTask-AzureStorage keeps such text compressed in blobs.)
 */

/** UTF-16 units; the service counts two bytes each. */
export const MAX_COLUMN_LENGTH = 30_000;
const COLUMN_BYTES = 60_000;
const COLUMNS_PER_ROW = 8;
const ROW_BYTES = COLUMN_BYTES * COLUMNS_PER_ROW;

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** A long text's place: how many rows it takes under its key. */
export interface LargeValue {
  key: string;
  rows: number;
}

export function isLarge(text: string): boolean {
  return text.length > MAX_COLUMN_LENGTH;
}

export async function putLargeValue(
  table: TableClient,
  partition: string,
  key: string,
  text: string,
): Promise<LargeValue> {
  const bytes = await compress(text, { level: 1 });
  const rows = Math.ceil(bytes.length / ROW_BYTES);
  for (let row = 0; row < rows; row++) {
    const entity: Record<string, Uint8Array> = {};
    for (let column = 0; column < COLUMNS_PER_ROW; column++) {
      const start = row * ROW_BYTES + column * COLUMN_BYTES;
      if (start < bytes.length) {
        entity[`Data${column}`] = bytes.subarray(start, start + COLUMN_BYTES);
      }
    }
    await table.upsertEntity({ partitionKey: partition, rowKey: rowKey(key, row), ...entity }, "Replace");
  }
  return { key, rows };
}

export async function getLargeValue(table: TableClient, partition: string, { key, rows }: LargeValue): Promise<string> {
  const parts = await Promise.all(
    Array.from({ length: rows }, async (_, row) => {
      const entity = await table.getEntity<Record<string, unknown>>(partition, rowKey(key, row));
      return Array.from({ length: COLUMNS_PER_ROW }, (__, column) => entity[`Data${column}`]);
    }),
  );
  const bytes = parts.flat().filter((part): part is Uint8Array => part instanceof Uint8Array);
  return (await decompress(Buffer.concat(bytes))).toString("utf8");
}

function rowKey(key: string, row: number): string {
  return `${key}.${String(row).padStart(4, "0")}`;
}
