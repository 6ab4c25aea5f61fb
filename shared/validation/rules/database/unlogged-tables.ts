import { qualifiedName } from "../../../postgres/identifiers.js";
import { ofNoExtension, userSchema } from "../../../postgres/user-objects.js";
import { displayName } from "../../../schema/display-name.js";
import { runOn } from "../../corrective-action.js";
import { named } from "../../named.js";
import type { DatabaseRule } from "../../rule.js";

const unloggedTables = `
  select n.nspname as schema, c.relname as name
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.relpersistence = 'u'
    and c.relkind in ('r', 'p')
    and ${userSchema("n")}
    and ${ofNoExtension("pg_class", "c.oid")}
  order by n.nspname, c.relname
`;

export const rule: DatabaseRule = {
  id: "unlogged-tables",
  title: "No table is unlogged",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "`ALTER TABLE … SET LOGGED` if the table's rows matter.",
  async check({ source, spec }) {
    const { rows } = await source.query<{ schema: string; name: string }>(unloggedTables);
    if (rows.length === 0) return [];
    const names = rows.map(({ schema, name }) => displayName(schema, name));
    const statements = rows.map(({ schema, name }) => `ALTER TABLE ${qualifiedName(schema, name)} SET LOGGED;`);
    const online =
      spec.mode === "Online"
        ? "Its rows are copied once; changes made afterwards are not replicated."
        : "Its rows are copied.";
    return [
      {
        state: "Warning",
        message:
          `${named("unlogged table", "unlogged tables", names)}: ${online} It stays unlogged, so a crash or failover of the target empties it. ` +
          `If the rows matter, make it logged, which locks and rewrites it.${runOn("source", statements)}`,
      },
    ];
  },
};
