/** GET …/migrations/{name}/tables: every table of a migration with its parts. */

import { RequestError } from "../model/request-error.js";
import { type PartState, partStates } from "../model/states.js";
import { listParts, type PartRow } from "../status/tables.js";

/** Tables in one answer. */
const tablesPerPage = 1_000;

/** How far this instance's clock may be ahead of the storage account's without a change being missed by modifiedSince. */
const clockMarginMs = 5_000;

export interface TableFilter {
  readonly database?: string | undefined;
  readonly state?: PartState | undefined;
  /** How many tables to leave out at the start, from a nextLink. */
  readonly skip?: number | undefined;
  /** ISO 8601, UTC, from an asOf: only parts whose progress has been written since; sums are of those parts alone then. */
  readonly modifiedSince?: string | undefined;
}

/** The query's database, state, skip and modifiedSince. Throws RequestError 400. */
export function parseTableFilter(query: URLSearchParams): TableFilter {
  const state = query.get("state") ?? undefined;
  if (state !== undefined && !isPartState(state)) {
    const message = `state "${state}" is not known: use one of ${partStates.join(", ")}, or leave it out.`;
    throw new RequestError(400, "InvalidParameterValue", message, { target: "state" });
  }
  const skip = Number(query.get("skip") ?? 0);
  if (!Number.isSafeInteger(skip) || skip < 0) {
    const message = `skip "${query.get("skip")}" must be a whole number: take it from a nextLink, or leave it out.`;
    throw new RequestError(400, "InvalidParameterValue", message, { target: "skip" });
  }
  const modifiedSince = query.get("modifiedSince") ?? undefined;
  if (modifiedSince !== undefined && Number.isNaN(Date.parse(modifiedSince))) {
    const message = `modifiedSince "${modifiedSince}" is not a time: take it from an asOf, or leave it out.`;
    throw new RequestError(400, "InvalidParameterValue", message, { target: "modifiedSince" });
  }
  return { database: query.get("database") ?? undefined, state, skip, modifiedSince };
}

/**
 * The tables that match, in the order of database, schema and name, and where the next page begins.
 * @throws RequestError 400 for a database that is not the migration's
 */
export async function listTables(
  { key, databases }: { key: string; databases: readonly string[] },
  { database, state, skip = 0, modifiedSince }: TableFilter,
) {
  if (database !== undefined && !databases.includes(database)) {
    const message = `database "${database}" is not one of this migration's: use one of ${databases.join(", ")}, or leave it out.`;
    throw new RequestError(400, "InvalidParameterValue", message, { target: "database" });
  }
  const asOf = new Date(Date.now() - clockMarginMs).toISOString();
  const tables = [];
  let next: number | undefined;
  let seen = 0;
  for await (const parts of byTable(listParts(key, { database, modifiedSince }))) {
    const table = describeTable(parts);
    if (state !== undefined && table.state !== state) continue;
    seen += 1;
    if (seen <= skip) continue;
    if (tables.length === tablesPerPage) {
      next = skip + tablesPerPage;
      break;
    }
    tables.push(table);
  }
  return { tables, next, asOf };
}

/** The state of a table from its parts': errored if any is, completed when all are, loading once any has begun. */
export function tableState(states: readonly PartState[]): PartState {
  if (states.includes("errored")) return "errored";
  if (states.every((state) => state === "completed")) return "completed";
  return states.every((state) => state === "queued") ? "queued" : "loading";
}

function isPartState(text: string): text is PartState {
  return partStates.some((state) => state === text);
}

/** Rows come in key order, so the parts of a table follow each other. */
async function* byTable(rows: AsyncIterable<PartRow>): AsyncGenerator<[PartRow, ...PartRow[]]> {
  let current: [PartRow, ...PartRow[]] | undefined;
  for await (const row of rows) {
    if (current !== undefined && sameTable(current[0], row)) {
      current.push(row);
      continue;
    }
    if (current !== undefined) yield current;
    current = [row];
  }
  if (current !== undefined) yield current;
}

function sameTable(one: PartRow, other: PartRow): boolean {
  return one.database === other.database && one.schemaName === other.schemaName && one.tableName === other.tableName;
}

function describeTable(parts: [PartRow, ...PartRow[]]) {
  const [{ database, schemaName, tableName }] = parts;
  const sum = (column: "rows" | "bytes" | "bytesEstimated") => parts.reduce((total, part) => total + part[column], 0);
  const state = tableState(parts.map((part) => part.state));
  return {
    database,
    schemaName,
    tableName,
    state,
    rows: sum("rows"),
    bytes: sum("bytes"),
    bytesEstimated: sum("bytesEstimated"),
    startedOn: parts.flatMap((part) => part.startedOn ?? []).sort()[0],
    endedOn:
      state === "completed"
        ? parts
            .flatMap((part) => part.endedOn ?? [])
            .sort()
            .at(-1)
        : undefined,
    /** Once both servers have said the same of the whole table: how, and with Checksums the sum. */
    verified: parts[0].verified,
    checksum: parts[0].checksum,
    error: parts.find((part) => part.error !== undefined)?.error,
    parts: parts.map((part) => ({
      part: part.part,
      parts: part.parts,
      state: part.state,
      instance: part.instance,
      rows: part.rows,
      bytes: part.bytes,
      startedOn: part.startedOn,
      endedOn: part.endedOn,
      attempt: part.attempt,
      error: part.error,
    })),
  };
}
