/** The tables of a migration with their parts, kept up to date by what has changed since the last answer. */
import type { PartState, TablePart, TableProgress } from "../api/resources.js";

export interface TableView extends TableProgress {
  readonly key: string;
}

export const tableKey = ({
  database,
  schemaName,
  tableName,
}: Pick<TableProgress, "database" | "schemaName" | "tableName">) => JSON.stringify([database, schemaName, tableName]);

/** What is known, with changed parts in the place of the old ones. Tables without a change keep their object. */
export function merged(
  known: ReadonlyMap<string, TableView>,
  changes: readonly TableProgress[],
): Map<string, TableView> {
  const tables = new Map(known);
  for (const change of changes) {
    const key = tableKey(change);
    const before = tables.get(key);
    tables.set(key, before === undefined ? { ...change, key } : withParts(before, change));
  }
  return tables;
}

function withParts(before: TableView, change: TableProgress): TableView {
  const parts = new Map<number, TablePart>(before.parts.map((part) => [part.part, part]));
  for (const part of change.parts) parts.set(part.part, part);
  const all = [...parts.values()].sort((one, other) => one.part - other.part);
  const sum = (column: "rows" | "bytes") => all.reduce((total, part) => total + part[column], 0);
  const state = stateOf(all.map((part) => part.state));
  return {
    ...before,
    ...(change.verified === undefined ? {} : { verified: change.verified }),
    state,
    rows: sum("rows"),
    bytes: sum("bytes"),
    startedOn: all.flatMap((part) => part.startedOn ?? []).sort()[0],
    endedOn:
      state === "completed"
        ? all
            .flatMap((part) => part.endedOn ?? [])
            .sort()
            .at(-1)
        : undefined,
    error: all.find((part) => part.error !== undefined)?.error,
    parts: all,
  };
}

function stateOf(states: readonly PartState[]): PartState {
  if (states.includes("errored")) return "errored";
  if (states.every((state) => state === "completed")) return "completed";
  return states.every((state) => state === "queued") ? "queued" : "loading";
}
