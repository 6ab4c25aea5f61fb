/** Cutting tables into parts: what one COPY reads. Pure; the sizes come from the source's catalog. */

import type { RelationName } from "../schema/schema-statement.js";

export interface PlannableTable {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly string[];
  readonly rowFilter: string | undefined;
  /** See HeapSlice. */
  readonly fixedValues?: Readonly<Record<string, string>> | undefined;
  /** See Part. */
  readonly root?: RelationName | undefined;
  /** Heap and TOAST, bytes. */
  readonly bytes: number;
  /** Blocks of the heap. */
  readonly blocks: number;
}

export interface Part {
  readonly kind: "table" | "largeObjects";
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly string[];
  readonly rowFilter: string | undefined;
  /** See HeapSlice. */
  readonly fixedValues?: Readonly<Record<string, string>> | undefined;
  /** The partitioned table that the rows are loaded through, where their partition may be another one on the target; else undefined. */
  readonly root?: RelationName | undefined;
  /** 1-based. */
  readonly part: number;
  readonly parts: number;
  /** First block of the ctid range; undefined: from the start. For large objects: the first OID. */
  readonly firstBlock: number | undefined;
  /** First block after the range; undefined: to the end, wherever that is. For large objects: the first OID after. */
  readonly endBlock: number | undefined;
  /** The part's share of the table's bytes on the source. */
  readonly bytes: number;
}

/**
 * A table of up to `partSizeBytes` is one part; a larger one becomes ctid ranges of about that size, equal in blocks, whatever its
 * keys. The ranges cover the heap without gap or overlap; the last one is open, so the plan cannot miss a row behind its end.
 */
export function planParts(table: PlannableTable, partSizeBytes: number): Part[] {
  const wanted = table.rowFilter === undefined ? Math.ceil(table.bytes / partSizeBytes) : 1;
  const parts = Math.max(1, Math.min(wanted, table.blocks));
  const boundary = (index: number) => Math.floor((index * table.blocks) / parts);
  return Array.from({ length: parts }, (_, index) => ({
    kind: "table",
    schema: table.schema,
    table: table.name,
    columns: table.columns,
    rowFilter: table.rowFilter,
    fixedValues: table.fixedValues,
    root: table.root,
    part: index + 1,
    parts,
    firstBlock: index === 0 ? undefined : boundary(index),
    endBlock: index === parts - 1 ? undefined : boundary(index + 1),
    bytes: Math.ceil(table.bytes / parts),
  }));
}

/**
 * Cuts a part into up to `pieces` ranges, equal in blocks, that cover it without gap or overlap. Fewer than two when it cannot be cut: a single block, or rows chosen by a condition.
 * @param blocks of the table's heap, for a part that is open at its end
 */
export function cutPart(part: Part, blocks: number, pieces: number): Pick<Part, "firstBlock" | "endBlock" | "bytes">[] {
  const first = part.firstBlock ?? 0;
  const end = part.endBlock ?? Math.max(blocks, first + 1);
  const count = part.rowFilter === undefined ? Math.min(pieces, end - first) : 1;
  const boundary = (index: number) => first + Math.floor((index * (end - first)) / count);
  return Array.from({ length: count }, (_, index) => ({
    firstBlock: index === 0 ? part.firstBlock : boundary(index),
    endBlock: index === count - 1 ? part.endBlock : boundary(index + 1),
    bytes: Math.ceil(part.bytes / count),
  }));
}
