/** Which columns hold values of some types of pg_catalog, directly or inside domains, arrays, ranges and composite types. */
import type pg from "pg";
import { qualifiedName, quoteIdentifier } from "../postgres/identifiers.js";
import { ofNoExtension, userSchema } from "../postgres/user-objects.js";
import { displayName } from "../schema/display-name.js";

export interface ColumnOfType {
  readonly schema: string;
  readonly relation: string;
  readonly column: string;
  /** The type looked for, e.g. "abstime". */
  readonly type: string;
  /** The column is of the type itself, not of one that contains it. */
  readonly direct: boolean;
  /** pg_class.relkind */
  readonly kind: "r" | "p" | "m" | "v" | "f" | "c";
}

/**
 * After pg_upgrade's check_for_data_types_usage. Columns that a table inherits are left out: they are changed at the parent.
 * $1: names of types in pg_catalog, $2: kinds of relations
 */
const columnsOfTypesQuery = `
  with recursive containers (oid, content) as (
    select t.oid, t.typbasetype
    from pg_catalog.pg_type as t
    where t.typtype = 'd'
    union all
    select t.oid, t.typelem
    from pg_catalog.pg_type as t
    where t.typelem <> 0
    union all
    select r.rngtypid, r.rngsubtype
    from pg_catalog.pg_range as r
    union all
    select c.reltype, a.atttypid
    from pg_catalog.pg_attribute as a
    join pg_catalog.pg_class as c on c.oid = a.attrelid
    where a.attnum > 0
      and not a.attisdropped
      and c.reltype <> 0
  ),
  carriers (oid, type, direct) as (
    select t.oid, t.typname, true
    from pg_catalog.pg_type as t
    where t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace
      and t.typname = any ($1::text[])
    union
    select containers.oid, carriers.type, false
    from carriers
    join containers on containers.content = carriers.oid
  )
  select
    n.nspname as schema,
    c.relname as relation,
    a.attname as column,
    carriers.type,
    carriers.direct,
    c.relkind as kind
  from carriers
  join pg_catalog.pg_attribute as a on a.atttypid = carriers.oid
  join pg_catalog.pg_class as c on c.oid = a.attrelid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where a.attnum > 0
    and not a.attisdropped
    and a.attinhcount = 0
    and c.relkind::text = any ($2::text[])
    and ${userSchema("n")}
    and ${ofNoExtension("pg_class", "c.oid")}
  order by n.nspname, c.relname, a.attnum
`;

/** The columns of relations of these kinds (pg_class.relkind) that hold values of these types of pg_catalog. */
export async function columnsOfTypes(
  source: pg.ClientBase,
  types: readonly string[],
  kinds: readonly ColumnOfType["kind"][],
): Promise<ColumnOfType[]> {
  const { rows } = await source.query<ColumnOfType>(columnsOfTypesQuery, [types, kinds]);
  return rows;
}

/** "public.visits.seen (abstime)" */
export function displayColumn({ schema, relation, column, type }: ColumnOfType): string {
  return `${displayName(schema, relation, column)} (${type})`;
}

/** Gives the column another type. `via`: a cast that the values take first. Nothing for columns that only contain the type, and for views. */
export function changeType(
  { schema, relation, column, direct, kind }: ColumnOfType,
  type: string,
  via = "",
): string | undefined {
  if (!direct || (kind !== "r" && kind !== "p")) return undefined;
  const name = quoteIdentifier(column);
  return `ALTER TABLE ${qualifiedName(schema, relation)} ALTER COLUMN ${name} TYPE ${type} USING ${name}${via}::${type};`;
}
