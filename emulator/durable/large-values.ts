import type { TableClient } from "@azure/data-tables";

/**
 * Text of any length in Table Storage, where a string property ends at 64 KiB (32 Ki UTF-16 units) and an entity at 1 MiB:
 * what does not fit a column goes into rows of the table {hub}LargeMessages.
 */

/** UTF-16 units; the service counts two bytes each. */
export const MAX_COLUMN_LENGTH = 30_000;
const COLUMNS_PER_ROW = 8;
const ROW_LENGTH = MAX_COLUMN_LENGTH * COLUMNS_PER_ROW;

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
  const rows = Math.ceil(text.length / ROW_LENGTH);
  for (let row = 0; row < rows; row++) {
    const entity: Record<string, string> = {};
    for (let column = 0; column < COLUMNS_PER_ROW; column++) {
      const start = row * ROW_LENGTH + column * MAX_COLUMN_LENGTH;
      if (start < text.length) {
        entity[`Text${column}`] = text.slice(start, start + MAX_COLUMN_LENGTH);
      }
    }
    await table.upsertEntity({ partitionKey: partition, rowKey: rowKey(key, row), ...entity }, "Replace");
  }
  return { key, rows };
}

export async function getLargeValue(table: TableClient, partition: string, { key, rows }: LargeValue): Promise<string> {
  const parts = await Promise.all(
    Array.from({ length: rows }, async (_, row) => {
      const entity = await table.getEntity<Record<string, string>>(partition, rowKey(key, row));
      return Array.from({ length: COLUMNS_PER_ROW }, (__, column) => entity[`Text${column}`] ?? "").join("");
    }),
  );
  return parts.join("");
}

function rowKey(key: string, row: number): string {
  return `${key}.${String(row).padStart(4, "0")}`;
}
