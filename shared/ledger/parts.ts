/** The plan of a database's copy, kept in the ledger schema of the target: read by the copy activities, task by task. */
import type { ClientBase } from "pg";
import type { PartState } from "../model/states.js";
import type { Part } from "../planning/parts.js";
import type { CopyTask } from "../planning/tasks.js";
import { queryLedger } from "./ledger-name.js";

export interface PartToCopy extends Part {
  /** Unique in the database; the ledger's key. */
  readonly id: number;
  readonly task: number;
  /** The source database's encoding: what the rows travel in. */
  readonly encoding: string;
}

const insertParts = `
  insert into _pgmig.part (
    id, task, kind, schema_name, table_name, part, parts, first_block, end_block, columns, row_filter, encoding, bytes_estimated,
    root_schema, root_table, fixed_values
  )
  select
    id, task, kind, schema, "table", part, parts, "firstBlock", "endBlock", columns, "rowFilter", encoding, bytes,
    root ->> 'schema', root ->> 'name', "fixedValues"
  from json_to_recordset($1::json) as planned (
    id integer, task integer, kind text, schema text, "table" text, part integer, parts integer,
    "firstBlock" bigint, "endBlock" bigint, columns text[], "rowFilter" text, encoding text, bytes bigint, root json, "fixedValues" json
  )
`;

/** Parts sent in one statement: bounds the size of its parameter. */
const partsPerInsert = 1_000;

/** Numbers the parts by task and place. */
export function numberParts(tasks: readonly CopyTask[], encoding: string): PartToCopy[] {
  let id = 0;
  return tasks.flatMap(({ task, parts }) => parts.map((part) => ({ ...part, id: ++id, task, encoding })));
}

/** Adds the parts to the plan, within the caller's transaction. */
export async function saveParts(target: ClientBase, parts: readonly PartToCopy[]): Promise<void> {
  for (let first = 0; first < parts.length; first += partsPerInsert) {
    await queryLedger(target, insertParts, [JSON.stringify(parts.slice(first, first + partsPerInsert))]);
  }
}

const partsOfTask = `
  select
    id, task, kind, schema_name, table_name, part, parts, first_block, end_block, columns, row_filter, encoding, bytes_estimated,
    root_schema, root_table, fixed_values
  from _pgmig.part
  where task = $1
  order by id
`;

interface PartRow {
  id: number;
  task: number;
  kind: Part["kind"];
  schema_name: string;
  table_name: string;
  part: number;
  parts: number;
  first_block: string | null;
  end_block: string | null;
  columns: string[];
  row_filter: string | null;
  encoding: string;
  bytes_estimated: string;
  root_schema: string | null;
  root_table: string | null;
  fixed_values: Record<string, string> | null;
}

/** The parts of one copy task. */
export async function readTask(target: ClientBase, task: number): Promise<PartToCopy[]> {
  const { rows } = await queryLedger<PartRow>(target, partsOfTask, [task]);
  return rows.map(toPart);
}

const wholePlan = partsOfTask.replace("where task = $1", "");

/** Every part of the database, in the order of the tasks. */
export async function readPlan(target: ClientBase): Promise<PartToCopy[]> {
  const { rows } = await queryLedger<PartRow>(target, wholePlan);
  return rows.map(toPart);
}

function toPart(row: PartRow): PartToCopy {
  return {
    id: row.id,
    task: row.task,
    kind: row.kind,
    schema: row.schema_name,
    table: row.table_name,
    part: row.part,
    parts: row.parts,
    firstBlock: row.first_block === null ? undefined : Number(row.first_block),
    endBlock: row.end_block === null ? undefined : Number(row.end_block),
    columns: row.columns,
    rowFilter: row.row_filter ?? undefined,
    fixedValues: row.fixed_values ?? undefined,
    encoding: row.encoding,
    bytes: Number(row.bytes_estimated),
    root:
      row.root_schema === null || row.root_table === null
        ? undefined
        : { schema: row.root_schema, name: row.root_table },
  };
}

export interface PartProgress {
  readonly id: number;
  readonly state: PartState;
  readonly rows: number;
  /** Bytes of COPY text so far. */
  readonly bytes: number;
  readonly instance: string;
  readonly error?: string | undefined;
}

const updateProgress = `
  update _pgmig.part
  set
    state = told.state,
    rows = told.rows,
    bytes = told.bytes,
    instance = told.instance,
    error = told.error,
    started_at = coalesce(part.started_at, now()),
    ended_at = case when told.state in ('completed', 'errored') then now() end
  from json_to_recordset($1::json) as told (id integer, state text, rows bigint, bytes bigint, instance text, error text)
  where part.id = told.id
    and part.state <> 'completed'
`;

/** Notes how far parts are. A completed part stays so: a second runner that comes late cannot set it back. */
export async function recordProgress(target: ClientBase, progress: readonly PartProgress[]): Promise<void> {
  if (progress.length > 0) await queryLedger(target, updateProgress, [JSON.stringify(progress)]);
}

export interface DatabaseProgress {
  readonly tablesQueued: number;
  readonly tablesLoading: number;
  readonly tablesCompleted: number;
  readonly tablesErrored: number;
  readonly tablesVerified: number;
  readonly bytesTotal: number;
  readonly bytesCopied: number;
  readonly rowsCopied: number;
}

/**
 * A table is what its parts are: one snapshot of the plan, so that the four counts always add up to all tables. Bytes are the source's on disk, so
 * that what is copied reaches the total: a part that is in counts as its share, one under way as what has flowed, up to its share.
 */
const databaseProgress = `
  with tables as (
    select
      count(*) as parts,
      count(*) filter (where state = 'completed') as completed,
      count(*) filter (where state = 'loading') as loading,
      count(*) filter (where state = 'errored') as errored,
      count(*) filter (where verified is not null) as verified,
      sum(bytes_estimated) as bytes_total,
      sum(case state when 'completed' then bytes_estimated when 'loading' then least(bytes, bytes_estimated) else 0 end)
        as bytes_copied,
      sum(rows) as rows_copied
    from _pgmig.part
    group by kind, schema_name, table_name
  )
  select
    count(*) filter (where errored = 0 and loading = 0 and completed = 0)::int as "tablesQueued",
    count(*) filter (where errored = 0 and completed < parts and loading + completed > 0)::int as "tablesLoading",
    count(*) filter (where errored = 0 and completed = parts)::int as "tablesCompleted",
    count(*) filter (where errored > 0)::int as "tablesErrored",
    count(*) filter (where verified = parts)::int as "tablesVerified",
    coalesce(sum(bytes_total), 0)::float8 as "bytesTotal",
    coalesce(sum(bytes_copied), 0)::float8 as "bytesCopied",
    coalesce(sum(rows_copied), 0)::float8 as "rowsCopied"
  from tables
`;

/** Adds up the progress of all parts. */
export async function readDatabaseProgress(target: ClientBase): Promise<DatabaseProgress> {
  const { rows } = await queryLedger<DatabaseProgress>(target, databaseProgress);
  const progress = rows[0];
  if (progress === undefined) throw new Error("an aggregate answered without a row");
  return progress;
}
