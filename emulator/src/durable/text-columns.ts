import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import type { TableClient } from "@azure/data-tables";

/**
 * Text of any length in Table Storage, where a property ends at 64 KiB and an entity at 1 MiB: what does not fit a column goes,
 * compressed, into rows of the table {hub}LargeMessages. (DurableTask-AzureStorage keeps such text compressed in blobs.)
 */

/** UTF-16 units; the service counts two bytes each. */
const MAX_COLUMN_LENGTH = 30_000;
const COLUMN_BYTES = 60_000;
const COLUMNS_PER_ROW = 8;
const ROW_BYTES = COLUMN_BYTES * COLUMNS_PER_ROW;

const compress = promisify(gzip);
const decompress = promisify(gunzip);

type Row = Record<string, unknown>;

/** Reads and writes text columns of rows; a text that is too long for its column leaves {name}Place and {name}Rows there. */
export class TextColumns {
  readonly #largeMessages: TableClient;

  constructor(largeMessages: TableClient) {
    this.#largeMessages = largeMessages;
  }

  /** @param key distinguishes the row among all of its partition */
  async write(partition: string, key: string, texts: Record<string, string | undefined>): Promise<Row> {
    const columns: Row = {};
    for (const [name, text] of Object.entries(texts)) {
      if (text === undefined) {
        continue;
      }
      if (text.length > MAX_COLUMN_LENGTH) {
        const place = `${key}.${name}`;
        columns[`${name}Place`] = place;
        columns[`${name}Rows`] = await this.#put(partition, place, text);
      } else {
        columns[name] = text;
      }
    }
    return columns;
  }

  async read(partition: string, row: Row, name: string): Promise<string | undefined> {
    const place = row[`${name}Place`];
    if (typeof place === "string") {
      return await this.#get(partition, place, Number(row[`${name}Rows`]));
    }
    const text = row[name];
    return text === undefined || text === null ? undefined : String(text);
  }

  async #put(partition: string, place: string, text: string): Promise<number> {
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
      await this.#largeMessages.upsertEntity(
        { partitionKey: partition, rowKey: rowKey(place, row), ...entity },
        "Replace",
      );
    }
    return rows;
  }

  async #get(partition: string, place: string, rows: number): Promise<string> {
    const parts = await Promise.all(
      Array.from({ length: rows }, async (_, row) => {
        const entity = await this.#largeMessages.getEntity<Row>(partition, rowKey(place, row));
        return Array.from({ length: COLUMNS_PER_ROW }, (__, column) => entity[`Data${column}`]);
      }),
    );
    const bytes = parts.flat().filter((part): part is Uint8Array => part instanceof Uint8Array);
    return (await decompress(Buffer.concat(bytes))).toString("utf8");
  }
}

function rowKey(place: string, row: number): string {
  return `${place}.${String(row).padStart(4, "0")}`;
}
