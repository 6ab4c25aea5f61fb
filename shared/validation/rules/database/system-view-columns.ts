import { qualifiedName } from "../../../postgres/identifiers.js";
import { ofNoExtension, userSchema } from "../../../postgres/user-objects.js";
import { displayName } from "../../../schema/display-name.js";
import { runOn } from "../../corrective-action.js";
import { named } from "../../named.js";
import type { DatabaseRule } from "../../rule.js";

// Dependencies on the system's views are recorded column by column; those on its tables are not (they are pinned).
const columnsRead = `
  select distinct
    vn.nspname as view_schema,
    v.relname as view,
    v.relkind = 'm' as materialized,
    sn.nspname as schema,
    s.relname as relation,
    a.attname as column
  from pg_catalog.pg_rewrite as w
  join pg_catalog.pg_class as v on v.oid = w.ev_class
  join pg_catalog.pg_namespace as vn on vn.oid = v.relnamespace
  join pg_catalog.pg_depend as d on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.objid = w.oid
  join pg_catalog.pg_class as s on s.oid = d.refobjid
  join pg_catalog.pg_namespace as sn on sn.oid = s.relnamespace
  join pg_catalog.pg_attribute as a on a.attrelid = s.oid and a.attnum = d.refobjsubid
  where d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    and d.refobjsubid > 0
    and sn.nspname in ('pg_catalog', 'information_schema')
    and ${userSchema("vn")}
    and ${ofNoExtension("pg_class", "v.oid")}
  order by 1, 2, 4, 5, 6
`;

const columnsThere = `
  select n.nspname as schema, c.relname as relation, a.attname as column
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  join pg_catalog.pg_attribute as a on a.attrelid = c.oid
  where n.nspname = any ($1::text[])
    and c.relname = any ($2::text[])
    and a.attnum > 0
    and not a.attisdropped
`;

interface ColumnRead {
  readonly view_schema: string;
  readonly view: string;
  readonly materialized: boolean;
  readonly schema: string;
  readonly relation: string;
  readonly column: string;
}

export const rule: DatabaseRule = {
  id: "system-view-columns",
  title: "Views read only columns of the system's views that the target has too",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "Drop the view on the source, and create it on the target with the new version's columns.",
  async check({ source, target }) {
    const { rows: read } = await source.query<ColumnRead>(columnsRead);
    if (read.length === 0) return [];
    const { rows: there } = await target.query<Pick<ColumnRead, "schema" | "relation" | "column">>(columnsThere, [
      read.map(({ schema }) => schema),
      read.map(({ relation }) => relation),
    ]);
    const known = new Set(there.map(({ schema, relation, column }) => displayName(schema, relation, column)));
    const lost = read.filter(({ schema, relation, column }) => !known.has(displayName(schema, relation, column)));
    if (lost.length === 0) return [];
    const names = lost.map(
      ({ view_schema, view, schema, relation, column }) =>
        `${displayName(view_schema, view)} reads ${displayName(schema, relation, column)}`,
    );
    const drops = lost.map(
      ({ view_schema, view, materialized }) =>
        `DROP ${materialized ? "MATERIALIZED VIEW" : "VIEW"} ${qualifiedName(view_schema, view)};`,
    );
    return [
      {
        state: "Failed",
        message:
          `${named("view", "views", names)}, which the target's version does not have. Create the view on the target after the migration, ` +
          `with that version's columns.${runOn("source", [...new Set(drops)])}`,
      },
    ];
  },
};
