/** How many rows the server has inserted, updated and deleted in the database's tables since its statistics began. */

import type { ClientBase } from "pg";
import { userSchema } from "./user-objects.js";

export interface RowCounters {
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
}

const rowCounters = `
  select
    coalesce(sum(t.n_tup_ins), 0)::float8 as inserted,
    coalesce(sum(t.n_tup_upd), 0)::float8 as updated,
    coalesce(sum(t.n_tup_del), 0)::float8 as deleted
  from pg_catalog.pg_stat_user_tables as t
  join pg_catalog.pg_namespace as n on n.nspname = t.schemaname
  where ${userSchema("n")}
`;

export async function readRowCounters(client: ClientBase): Promise<RowCounters> {
  const { rows } = await client.query<RowCounters>(rowCounters);
  return rows[0] ?? { inserted: 0, updated: 0, deleted: 0 };
}
