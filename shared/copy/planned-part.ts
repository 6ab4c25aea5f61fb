/** A part of the plan as people see it before anything of it has been copied. */

import type { PartToCopy } from "../ledger/parts.js";
import type { PartPatch } from "../status/tables.js";

export function plannedPart(database: string, part: PartToCopy): PartPatch {
  return {
    database,
    schemaName: part.schema,
    tableName: part.table,
    part: part.part,
    parts: part.parts,
    firstBlock: part.firstBlock ?? 0,
    lastBlock: part.endBlock === undefined ? -1 : part.endBlock - 1,
    state: "queued",
    bytesEstimated: part.bytes,
  };
}
