import { qualifiedName } from "../../../postgres/identifiers.js";
import { ofNoExtension, userSchema } from "../../../postgres/user-objects.js";
import { displayName } from "../../../schema/display-name.js";
import { runOn } from "../../corrective-action.js";
import { named } from "../../named.js";
import type { DatabaseRule } from "../../rule.js";

const tablesWithOids = `
  select n.nspname as schema, c.relname as name
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.relhasoids
    and c.relkind in ('r', 'p')
    and ${userSchema("n")}
    and ${ofNoExtension("pg_class", "c.oid")}
  order by n.nspname, c.relname
`;

/** The first version without them, and without pg_class.relhasoids. */
const withoutOidsSince = 120_000;

export const rule: DatabaseRule = {
  id: "tables-with-oids",
  title: "No table has a hidden column oid (WITH OIDS)",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "`ALTER TABLE … SET WITHOUT OIDS`, after moving values that are needed into a column of their own.",
  async check({ source, sourceVersion }) {
    if (sourceVersion >= withoutOidsSince) return [];
    const { rows } = await source.query<{ schema: string; name: string }>(tablesWithOids);
    if (rows.length === 0) return [];
    const names = rows.map(({ schema, name }) => displayName(schema, name));
    const statements = rows.map(({ schema, name }) => `ALTER TABLE ${qualifiedName(schema, name)} SET WITHOUT OIDS;`);
    return [
      {
        state: "Failed",
        message:
          `${named("table", "tables", names)}: created WITH OIDS, which PostgreSQL 12 has removed. If their values are needed, ` +
          `move them into a column of their own first.${runOn("source", statements)}`,
      },
    ];
  },
};
