import { planParts } from "../../../planning/parts.js";
import { listSourceTables } from "../../../postgres/source-tables.js";
import { displayName } from "../../../schema/display-name.js";
import { settings } from "../../../settings.js";
import type { DatabaseRule } from "../../rule.js";

const MIB = 1024 * 1024;

export const rule: DatabaseRule = {
  id: "skew",
  title: "How much of the database is in its largest table, and into how many parts it is cut",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "Information only. `PART_SIZE_MB` sets the size of a part.",
  async check({ source }) {
    const tables = await listSourceTables(source);
    const total = tables.reduce((sum, { bytes }) => sum + bytes, 0);
    const [first] = tables;
    if (first === undefined || total === 0) {
      return [{ state: "Succeeded", message: "The database holds no rows that would have to be copied." }];
    }
    const largest = tables.reduce((one, other) => (other.bytes > one.bytes ? other : one), first);
    const share = ((100 * largest.bytes) / total).toFixed(1);
    const parts = planParts(largest, settings().partSizeBytes).length;
    return [
      {
        state: "Succeeded",
        message:
          `Largest table ${displayName(largest.schema, largest.name)}: ${megabytes(largest.bytes)} of ${megabytes(total)} in ${tables.length} ` +
          `${tables.length === 1 ? "table" : "tables"} (${share} %), copied in ${parts} ${parts === 1 ? "part" : "parts"}.`,
      },
    ];
  },
};

function megabytes(bytes: number): string {
  return bytes < 10 * MIB ? `${Math.ceil(bytes / 1024)} kB` : `${Math.round(bytes / MIB)} MB`;
}
