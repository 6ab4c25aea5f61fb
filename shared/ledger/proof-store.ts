/** The proof of a database's tables, kept in the ledger schema of the target: how far each part is on each side, and what the tables' parts add up to. */
import type { ClientBase } from "pg";
import type { Verification } from "../model/verification.js";
import { checksumOf, nothing, type Tally } from "../proof/tally.js";
import { queryLedger } from "./ledger-name.js";

export type Side = "source" | "target";

/** How far one side of a part is: it is tallied in equal pieces of its blocks, one unless that took too long. */
export interface SideProgress extends Tally {
  readonly pieces: number;
  readonly nextPiece: number;
  /** Where a part that is open at its end was taken to end when it was cut; undefined before. */
  readonly endBlock: number | undefined;
  readonly done: boolean;
}

export const notBegun: SideProgress = { ...nothing, pieces: 1, nextPiece: 0, endBlock: undefined, done: false };

const readProgress = `
  select part_id, side, pieces, next_piece, end_block, rows, checksum, done
  from _pgmig.proof
  where part_id = any ($1)
`;

interface ProgressRow {
  part_id: number;
  side: Side;
  pieces: number;
  next_piece: number;
  end_block: string | null;
  rows: string;
  checksum: string | null;
  done: boolean;
}

export type Progress = Readonly<Record<Side, SideProgress>>;

/** What is known of the parts, by their IDs. */
export async function readProofs(target: ClientBase, parts: readonly number[]): Promise<Map<number, Progress>> {
  const { rows } = await queryLedger<ProgressRow>(target, readProgress, [parts]);
  const progress = new Map<number, Progress>(parts.map((part) => [part, { source: notBegun, target: notBegun }]));
  for (const row of rows) {
    const known = progress.get(row.part_id);
    if (known !== undefined) progress.set(row.part_id, { ...known, [row.side]: toSide(row) });
  }
  return progress;
}

function toSide(row: ProgressRow): SideProgress {
  return {
    pieces: row.pieces,
    nextPiece: row.next_piece,
    endBlock: row.end_block === null ? undefined : Number(row.end_block),
    rows: BigInt(row.rows),
    checksum: checksumOf(row.checksum),
    done: row.done,
  };
}

/** A second runner may have got further, or not as far: each side's row is whole in itself, and any of them is right. */
const saveProgress = `
  insert into _pgmig.proof (part_id, side, pieces, next_piece, end_block, rows, checksum, done)
  select part_id, side, pieces, next_piece, end_block, rows, checksum, done
  from json_to_recordset($1::json) as reached (
    part_id integer, side text, pieces integer, next_piece integer, end_block bigint, rows bigint, checksum numeric, done boolean
  )
  on conflict (part_id, side) do update
  set
    pieces = excluded.pieces,
    next_piece = excluded.next_piece,
    end_block = excluded.end_block,
    rows = excluded.rows,
    checksum = excluded.checksum,
    done = excluded.done
  where not proof.done
`;

export async function saveProofs(target: ClientBase, reached: ReadonlyMap<number, Progress>): Promise<void> {
  const rows = [...reached].flatMap(([part, progress]) =>
    (["source", "target"] as const).map((side) => ({
      part_id: part,
      side,
      pieces: progress[side].pieces,
      next_piece: progress[side].nextPiece,
      end_block: progress[side].endBlock ?? null,
      rows: String(progress[side].rows),
      checksum: progress[side].checksum === undefined ? null : String(progress[side].checksum),
      done: progress[side].done,
    })),
  );
  if (rows.length > 0) await queryLedger(target, saveProgress, [JSON.stringify(rows)]);
}

/** A table whose parts are all proven, and what they add up to. The leaves of a tree that is loaded through its root are one table here. */
export interface TalliedTable {
  readonly schema: string;
  readonly table: string;
  /** What the COPYs said, added up. */
  readonly copied: bigint;
  readonly source: Tally;
  readonly target: Tally;
}

const talliedTables = `
  select
    coalesce(part.root_schema, part.schema_name) as schema,
    coalesce(part.root_table, part.table_name) as "table",
    sum(ledger.rows)::text as copied,
    sum(source.rows)::text as source_rows,
    case when count(source.checksum) = count(*) then sum(source.checksum)::text end as source_checksum,
    sum(target.rows)::text as target_rows,
    case when count(target.checksum) = count(*) then sum(target.checksum)::text end as target_checksum
  from (
    select distinct coalesce(root_schema, schema_name) as schema, coalesce(root_table, table_name) as "table"
    from _pgmig.part
    where kind = 'table'
      and id = any ($1)
  ) as asked
  join _pgmig.part
    on part.kind = 'table'
    and coalesce(part.root_schema, part.schema_name) = asked.schema
    and coalesce(part.root_table, part.table_name) = asked."table"
  left join _pgmig.ledger on ledger.part_id = part.id
  left join _pgmig.proof as source on source.part_id = part.id and source.side = 'source' and source.done
  left join _pgmig.proof as target on target.part_id = part.id and target.side = 'target' and target.done
  group by 1, 2
  having bool_and(ledger.part_id is not null and source.part_id is not null and target.part_id is not null)
`;

/** The tables that the parts are of and that have been tallied whole, on both sides. */
export async function readTalliedTables(target: ClientBase, parts: readonly number[]): Promise<TalliedTable[]> {
  const { rows } = await queryLedger<{
    schema: string;
    table: string;
    copied: string;
    source_rows: string;
    source_checksum: string | null;
    target_rows: string;
    target_checksum: string | null;
  }>(target, talliedTables, [parts]);
  return rows.map((row) => ({
    schema: row.schema,
    table: row.table,
    copied: BigInt(row.copied),
    source: { rows: BigInt(row.source_rows), checksum: checksumOf(row.source_checksum) },
    target: { rows: BigInt(row.target_rows), checksum: checksumOf(row.target_checksum) },
  }));
}

const recordVerdicts = `
  update _pgmig.part
  set
    verified = verdict.verified,
    checksum = verdict.checksum,
    state = case when verdict.error is null then part.state else 'errored' end,
    error = coalesce(verdict.error, part.error)
  from json_to_recordset($1::json) as verdict (schema text, "table" text, verified text, checksum text, error text)
  where part.kind = 'table'
    and coalesce(part.root_schema, part.schema_name) = verdict.schema
    and coalesce(part.root_table, part.table_name) = verdict."table"
  returning part.schema_name as "schemaName", part.table_name as "tableName", part.part, part.state,
    part.verified, part.checksum, part.error
`;

export interface Verdict {
  readonly schema: string;
  readonly table: string;
  /** Undefined when the two sides differ. */
  readonly verified?: Verification;
  readonly checksum?: string;
  readonly error?: string;
}

export interface JudgedPart {
  readonly schemaName: string;
  readonly tableName: string;
  readonly part: number;
  readonly state: "completed" | "errored";
  readonly verified: Verification | null;
  readonly checksum: string | null;
  readonly error: string | null;
}

/** Writes the verdicts to all parts of their tables. @returns those parts. */
export async function saveVerdicts(target: ClientBase, verdicts: readonly Verdict[]): Promise<JudgedPart[]> {
  if (verdicts.length === 0) return [];
  return (await queryLedger<JudgedPart>(target, recordVerdicts, [JSON.stringify(verdicts)])).rows;
}

const unverifiedTables = `
  select distinct format('%I.%I', schema_name, table_name) as name
  from _pgmig.part
  where kind = 'table'
    and verified is null
  order by 1
`;

/** Tables of the plan that nobody has verified. */
export async function listUnverifiedTables(target: ClientBase): Promise<string[]> {
  return (await queryLedger<{ name: string }>(target, unverifiedTables)).rows.map(({ name }) => name);
}

const heapsOfTable = `
  select schema_name as schema, table_name as name, min(columns::text)::text[] as columns, min(row_filter) as row_filter
  from _pgmig.part
  where kind = 'table'
    and coalesce(root_schema, schema_name) = $1
    and coalesce(root_table, table_name) = $2
  group by schema_name, table_name
  order by schema_name, table_name
`;

/** A table that holds rows itself: the table, or a leaf of the tree that is loaded through it. */
export interface Heap {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly string[];
  readonly row_filter: string | null;
}

export async function listHeapsOf(
  target: ClientBase,
  { schema, table }: { schema: string; table: string },
): Promise<Heap[]> {
  return (await queryLedger<Heap>(target, heapsOfTable, [schema, table])).rows;
}

const copiedRows = `
  select part_id, rows
  from _pgmig.ledger
  where part_id = any ($1)
`;

/** What the COPY of each part said, by the parts' IDs. */
export async function readCopiedRows(target: ClientBase, parts: readonly number[]): Promise<Map<number, bigint>> {
  const { rows } = await queryLedger<{ part_id: number; rows: string }>(target, copiedRows, [parts]);
  return new Map(rows.map((row) => [row.part_id, BigInt(row.rows)]));
}
