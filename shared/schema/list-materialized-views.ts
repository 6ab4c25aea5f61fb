/** Which materialized views of the source are filled, and in which order they can be filled again. */

import type pg from "pg";
import { userSchema } from "../postgres/user-objects.js";
import type { RelationName } from "./schema-statement.js";

/**
 * A view's rule depends on every relation that the view reads. A materialized view's depth is the longest chain of views
 * below it, so each comes after those that it reads, directly or through ordinary views. Views can read each other in a
 * circle through functions only, which leave no dependency; the limit on depth is for a catalog that says otherwise.
 */
const populatedByDepth = `
  with recursive reads as (
    select distinct rule.ev_class as view, dependency.refobjid as source
    from pg_catalog.pg_rewrite as rule
    join pg_catalog.pg_depend as dependency
      on dependency.classid = 'pg_catalog.pg_rewrite'::regclass
      and dependency.objid = rule.oid
      and dependency.refclassid = 'pg_catalog.pg_class'::regclass
      and dependency.refobjid <> rule.ev_class
    join pg_catalog.pg_class as view_class on view_class.oid = rule.ev_class and view_class.relkind in ('v', 'm')
    join pg_catalog.pg_class as source_class on source_class.oid = dependency.refobjid and source_class.relkind in ('v', 'm')
  ),
  levels as (
    select oid as view, 0 as depth
    from pg_catalog.pg_class
    where relkind in ('v', 'm')
      and not exists (select from reads where reads.view = pg_class.oid)
    union
    select reads.view, levels.depth + 1
    from levels
    join reads on reads.source = levels.view
    where levels.depth < 1000
  ),
  depths as (
    select view, max(depth) as depth
    from levels
    group by view
  )
  select namespace.nspname as schema, class.relname as name
  from pg_catalog.pg_class as class
  join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
  left join depths on depths.view = class.oid
  where class.relkind = 'm'
    and class.relispopulated
    and ${userSchema("namespace")}
    and not exists (
      select
      from pg_catalog.pg_depend as membership
      where membership.classid = 'pg_catalog.pg_class'::regclass
        and membership.objid = class.oid
        and membership.deptype = 'e'
    )
  order by coalesce(depths.depth, 1000), namespace.nspname, class.relname`;

/** The populated materialized views of the client's database, each after those that it reads. */
export async function listMaterializedViews(source: pg.ClientBase): Promise<RelationName[]> {
  const { rows } = await source.query<RelationName>(populatedByDepth);
  return rows;
}
