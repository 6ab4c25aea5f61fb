/** What the ledger says of each table of the plan: the proof holds it against what the servers have. */
import type { ClientBase } from "pg";
import { queryLedger } from "./ledger-name.js";

const tablesOfPlan = `
  select
    part.schema_name as schema,
    part.table_name as name,
    count(*)::int as parts,
    min(part.row_filter) as row_filter,
    count(ledger.part_id)::int as loaded,
    coalesce(sum(ledger.rows), 0)::text as rows
  from _pgmig.part
  left join _pgmig.ledger on ledger.part_id = part.id
  where part.kind = 'table'
  group by part.schema_name, part.table_name
  order by part.schema_name, part.table_name
`;

export interface LoadedTable {
  readonly schema: string;
  readonly name: string;
  readonly parts: number;
  readonly row_filter: string | null;
  readonly loaded: number;
  /** A bigint, as text: what the ledger says was stored. */
  readonly rows: string;
}

/** Every table of the plan, in a fixed order: the proof goes on by number. */
export async function readLoadedTables(target: ClientBase): Promise<LoadedTable[]> {
  return (await queryLedger<LoadedTable>(target, tablesOfPlan)).rows;
}
