import { qualifiedName, quoteIdentifier } from "../../../postgres/identifiers.js";
import { userSchema } from "../../../postgres/user-objects.js";
import { displayName } from "../../../schema/display-name.js";
import { runOn } from "../../corrective-action.js";
import { named } from "../../named.js";
import type { DatabaseRule } from "../../rule.js";

/** As pg_upgrade's check_for_not_null_inheritance: the dump lets the child inherit NOT NULL, so its nulls could not be copied. */
const nullableChildren = `
  select distinct n.nspname as schema, c.relname as name, a.attname as column
  from pg_catalog.pg_inherits as i
  join pg_catalog.pg_class as c on c.oid = i.inhrelid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  join pg_catalog.pg_attribute as a on a.attrelid = i.inhrelid
  join pg_catalog.pg_attribute as parent on parent.attrelid = i.inhparent and parent.attname = a.attname
  where parent.attnum > 0
    and parent.attnotnull
    and not a.attnotnull
    and c.relkind in ('r', 'p', 'f')
    and ${userSchema("n")}
  order by 1, 2, 3
`;

export const rule: DatabaseRule = {
  id: "not-null-inheritance",
  title: "Columns that are NOT NULL in a parent table are so in its children",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "`ALTER TABLE … ALTER COLUMN … SET NOT NULL` on the child, after replacing its nulls.",
  async check({ source }) {
    const { rows } = await source.query<{ schema: string; name: string; column: string }>(nullableChildren);
    if (rows.length === 0) return [];
    const names = rows.map(({ schema, name, column }) => displayName(schema, name, column));
    const statements = rows.map(
      ({ schema, name, column }) =>
        `ALTER TABLE ${qualifiedName(schema, name)} ALTER COLUMN ${quoteIdentifier(column)} SET NOT NULL;`,
    );
    return [
      {
        state: "Failed",
        message:
          `${named("column", "columns", names)}: NOT NULL in the parent table but not here. The target will inherit NOT NULL and refuse rows with nulls. ` +
          `Replace the nulls.${runOn("source", statements)}`,
      },
    ];
  },
};
