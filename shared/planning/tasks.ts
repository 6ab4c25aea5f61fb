/** Packing parts into copy tasks: a large part is a task of its own, small whole tables travel together in batches. Pure. */
import type { RelationName } from "../schema/schema-statement.js";
import type { Part } from "./parts.js";

export interface CopyTask {
  /** 1-based, in the order in which the tasks are to be started. */
  readonly task: number;
  readonly parts: readonly Part[];
  /** Whether it carries several small whole-table parts. */
  readonly batch: boolean;
}

export interface PackingLimits {
  readonly partSizeBytes: number;
  /** Copy tasks of the database that run at once: there should be no fewer batches than that. */
  readonly parallelCopies: number;
}

/** A table costs its transaction, its ledger row and its progress whatever its size: about as long as this many bytes take. */
const bytesWorthOfOneTable = 256 * 1024;

/** More tables than that in one activity, and a lost instance costs too much work. */
const tablesPerBatch = 500;

/** Below this many tables, spreading them over instances costs more than it saves. */
const tablesWorthSpreading = 25;

/**
 * Largest table first, the parts of one table side by side so that its indexes can start early; batches in between by their size.
 * @param chains tables that are loaded by one task, in this order: see load-chains.ts
 */
export function packTasks(
  parts: readonly Part[],
  limits: PackingLimits,
  chains: readonly (readonly RelationName[])[] = [],
): CopyTask[] {
  const aloneFrom = limits.partSizeBytes / 4;
  const travelsAlone = (part: Part) => part.parts > 1 || part.bytes >= aloneFrom || part.kind !== "table";
  const inOrder = chains.map((chain) => packChain(parts, chain)).filter((batch) => batch.parts.length > 0);
  const chained = new Set(inOrder.flatMap((batch) => batch.parts));
  const others = parts.filter((part) => !chained.has(part));
  const alone = others
    .filter(travelsAlone)
    .map((part) => ({ parts: [part], batch: false, weight: part.bytes * part.parts }));
  const batches = packBatches(
    others.filter((part) => !travelsAlone(part)),
    limits,
  );
  return [...alone, ...inOrder, ...batches]
    .map((task, index) => ({ ...task, index }))
    .sort((a, b) => b.weight - a.weight || a.index - b.index)
    .map(({ parts: packed, batch }, index) => ({ task: index + 1, parts: packed, batch }));
}

interface Batch {
  readonly parts: Part[];
  readonly batch: boolean;
  weight: number;
}

function packChain(parts: readonly Part[], chain: readonly RelationName[]): Batch {
  const members = chain.flatMap(({ schema, name }) =>
    parts.filter((part) => part.kind === "table" && part.schema === schema && part.table === name),
  );
  return { parts: members, batch: true, weight: members.reduce((sum, { bytes }) => sum + bytes, 0) };
}

function packBatches(parts: readonly Part[], limits: PackingLimits): Batch[] {
  if (parts.length === 0) return [];
  const weight = (part: Part) => part.bytes + bytesWorthOfOneTable;
  const total = parts.reduce((sum, part) => sum + weight(part), 0);
  const count = Math.max(
    Math.ceil(total / limits.partSizeBytes),
    Math.ceil(parts.length / tablesPerBatch),
    Math.min(limits.parallelCopies, Math.ceil(parts.length / tablesWorthSpreading)),
  );
  const batches: Batch[] = Array.from({ length: count }, () => ({ parts: [], batch: true, weight: 0 }));
  for (const part of [...parts].sort((a, b) => b.bytes - a.bytes)) {
    const lightest = batches.reduce((least, batch) => (batch.weight < least.weight ? batch : least));
    lightest.parts.push(part);
    lightest.weight += weight(part);
  }
  return batches.filter((batch) => batch.parts.length > 0);
}
