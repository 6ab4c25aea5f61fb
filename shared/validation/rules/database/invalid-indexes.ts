import { qualifiedName } from "../../../postgres/identifiers.js";
import { userSchema } from "../../../postgres/user-objects.js";
import { displayName } from "../../../schema/display-name.js";
import { runOn } from "../../corrective-action.js";
import { named } from "../../named.js";
import type { DatabaseRule } from "../../rule.js";

// That of a partitioned table is invalid until every partition has one; it is carried over as it is.
const invalidIndexes = `
  select n.nspname as schema, c.relname as name
  from pg_catalog.pg_index as i
  join pg_catalog.pg_class as c on c.oid = i.indexrelid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where not (i.indisvalid and i.indisready)
    and c.relkind = 'i'
    and ${userSchema("n")}
  order by n.nspname, c.relname
`;

export const rule: DatabaseRule = {
  id: "invalid-indexes",
  title: "Every index is valid",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "`REINDEX` the index, or drop it if it is what a failed `CREATE INDEX CONCURRENTLY` has left.",
  async check({ source }) {
    const { rows } = await source.query<{ schema: string; name: string }>(invalidIndexes);
    if (rows.length === 0) return [];
    const names = rows.map(({ schema, name }) => displayName(schema, name));
    const statements = rows.map(({ schema, name }) => `REINDEX INDEX ${qualifiedName(schema, name)};`);
    return [
      {
        state: "Warning",
        message:
          `${named("invalid index", "invalid indexes", names)}: left by an interrupted or failed CREATE INDEX CONCURRENTLY; it will not be on the target. ` +
          `Drop it, or build it anew (which blocks writing to its table).${runOn("source", statements)}`,
      },
    ];
  },
};
