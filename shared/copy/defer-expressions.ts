/**
 * Checks and generated columns that call functions, taken off a table whose rows the target refuses because of them: a
 * function that reads another table finds it empty while tables are loaded side by side, and one that names others without
 * their schema finds nothing. Put back when everything is loaded, they are proven against all rows, or refused and told.
 */
import pg from "pg";
import { qualifiedName, quoteIdentifier } from "../postgres/identifiers.js";
import { serverVersion } from "../postgres/source-tables.js";
import { displayName } from "../schema/display-name.js";

/** A statement that puts something back. */
export interface Deferred {
  /** Unique in the database; what has to be put back first sorts first. */
  readonly id: string;
  readonly object: string;
  readonly sql: string;
}

interface Table {
  readonly schema: string;
  readonly name: string;
}

/** SET EXPRESSION came with 17, DROP EXPRESSION with 13. */
const setExpressionSince = 170_000;
const dropExpressionSince = 130_000;

const lockDeferral = "select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('defer expressions'))";

// The whole tree of a constraint that is inherited: dropped from the root downwards, put back from the leaves upwards, so
// that each relation has it as its own exactly where it had before.
const functionChecks = `
  with recursive ancestors as (
    select $1::pg_catalog.regclass::oid as relation
    union
    select i.inhparent
    from pg_catalog.pg_inherits as i
    join ancestors on ancestors.relation = i.inhrelid
  ),
  tree as (
    select relation, 0 as depth
    from ancestors
    where not exists (select from pg_catalog.pg_inherits as i where i.inhrelid = relation)
    union all
    select i.inhrelid, tree.depth + 1
    from tree
    join pg_catalog.pg_inherits as i on i.inhparent = tree.relation
  ),
  refused as (
    select distinct c.conname
    from pg_catalog.pg_constraint as c
    where c.conrelid = $1::pg_catalog.regclass
      and c.contype = 'c'
      and exists (
        select
        from pg_catalog.pg_depend as d
        where d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
          and d.objid = c.oid
          and d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
          and d.refobjid >= 16384
      )
  )
  select
    n.nspname as schema,
    t.relname as name,
    c.conname as "constraint",
    max(tree.depth) as depth,
    pg_catalog.pg_get_constraintdef(c.oid) as definition
  from tree
  join pg_catalog.pg_class as t on t.oid = tree.relation
  join pg_catalog.pg_namespace as n on n.oid = t.relnamespace
  join pg_catalog.pg_constraint as c on c.conrelid = t.oid and c.contype = 'c' and c.conislocal
  join refused on refused.conname = c.conname
  group by 1, 2, 3, 5
  order by max(tree.depth), 1, 2, 3
`;

// attgenerated came with 12.
const functionColumns = `
  select
    a.attname as "column",
    a.attnotnull as required,
    pg_catalog.format_type(a.atttypid, a.atttypmod) as type,
    pg_catalog.pg_get_expr(d.adbin, d.adrelid) as expression
  from pg_catalog.pg_attribute as a
  join pg_catalog.pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where a.attrelid = $1::pg_catalog.regclass
    and to_jsonb(a) ->> 'attgenerated' = 's'
    and not a.attisdropped
    and exists (
      select
      from pg_catalog.pg_depend as dependency
      where dependency.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
        and dependency.refobjid >= 16384
        and (
          (dependency.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass and dependency.objid = d.oid)
          or (
            dependency.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and dependency.objid = a.attrelid
            and dependency.objsubid = a.attnum
          )
        )
    )
  order by a.attnum
`;

interface Check extends Table {
  readonly constraint: string;
  readonly depth: number;
  readonly definition: string;
}

interface Column {
  readonly column: string;
  readonly required: boolean;
  readonly type: string;
  readonly expression: string;
}

/** Whether rows were refused by something that a function has said or failed at. */
export function isOfFunctions(error: unknown): error is pg.DatabaseError {
  if (!(error instanceof pg.DatabaseError)) return false;
  return error.code === "23514" || /\bfunction\b/.test(error.where ?? "");
}

/**
 * Takes them off, in a transaction that waits for the copies that are under way.
 * @param keep is told how to put them back, before they are gone
 * @returns whether there were any
 */
export async function deferExpressions(
  target: pg.Client,
  table: Table,
  keep: (deferred: readonly Deferred[]) => Promise<void>,
): Promise<boolean> {
  await target.query("begin");
  try {
    await target.query(lockDeferral);
    const name = qualifiedName(table.schema, table.name);
    const { rows: checks } = await target.query<Check>(functionChecks, [name]);
    const version = await serverVersion(target);
    const { rows: columns } =
      version >= dropExpressionSince ? await target.query<Column>(functionColumns, [name]) : { rows: [] };
    const deferred = [...checks.map(checkBack), ...columns.map((column) => expressionBack(table, column, version))];
    if (deferred.length > 0) {
      await keep(deferred);
      for (const check of checks) await target.query(checkOff(check));
      for (const column of columns) await target.query(expressionOff(name, column, version));
    }
    await target.query("commit");
    return deferred.length > 0;
  } catch (error) {
    await target.query("rollback").catch(() => {
      // The session is gone, and its transaction with it.
    });
    throw error;
  }
}

function checkOff({ schema, name, constraint }: Check): string {
  return `alter table ${qualifiedName(schema, name)} drop constraint if exists ${quoteIdentifier(constraint)}`;
}

function checkBack({ schema, name, constraint, depth, definition }: Check): Deferred {
  const table = qualifiedName(schema, name);
  return {
    id: `9 ${String(999 - depth).padStart(3, "0")} ${table} ${constraint}`,
    object: `constraint ${displayName(constraint)} on table ${displayName(schema, name)}`,
    sql: `ALTER TABLE ${table} ADD CONSTRAINT ${quoteIdentifier(constraint)} ${definition}`,
  };
}

function expressionOff(table: string, { column, type }: Column, version: number): string {
  const name = quoteIdentifier(column);
  const optional = `alter table ${table} alter column ${name} drop not null`;
  return version >= setExpressionSince
    ? `${optional}, alter column ${name} set expression as (null::${type})`
    : `${optional}, alter column ${name} drop expression`;
}

function expressionBack(
  { schema, name }: Table,
  { column, required, type, expression }: Column,
  version: number,
): Deferred {
  const table = qualifiedName(schema, name);
  const quoted = quoteIdentifier(column);
  const notNull = required ? `, ALTER COLUMN ${quoted} SET NOT NULL` : "";
  const sql =
    version >= setExpressionSince
      ? `ALTER TABLE ${table} ALTER COLUMN ${quoted} SET EXPRESSION AS (${expression})${notNull}`
      : `ALTER TABLE ${table} DROP COLUMN ${quoted}, ADD COLUMN ${quoted} ${type} GENERATED ALWAYS AS (${expression}) STORED${required ? " NOT NULL" : ""}`;
  return {
    id: `9 000 ${table} ${column}`,
    object: `expression of generated column ${displayName(column)} of table ${displayName(schema, name)}`,
    sql,
  };
}
