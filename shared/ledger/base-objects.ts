/**
 * What the base copy is of: the source's tables and sequences at the moment of its snapshot, by OID, and the publications that their changes come through. Names
 * may mean something else later; an OID does not.
 */
import type { ClientBase } from "pg";
import { ledgerOf, ledgerSql, queryLedger } from "./ledger-name.js";

export type BaseKind = "table" | "partitioned table" | "sequence" | "publication";

export interface BaseObject {
  readonly kind: BaseKind;
  /** The source's OID, as text. */
  readonly oid: string;
  /** Empty for a publication, which is in none. */
  readonly schema: string;
  readonly name: string;
  /** The publication that a table's changes come through; undefined when there is none. */
  readonly publication?: string | undefined;
}

/** As the target has it now, which may have renamed it since following began; undefined when it is not there. */
export interface FollowedObject extends BaseObject {
  readonly target?: { readonly schema: string; readonly name: string } | undefined;
}

const insertObjects = `
  insert into _pgmig.base_object (kind, oid, schema_name, name, publication)
  select kind, oid, schema, name, publication
  from json_to_recordset($1::json) as planned (kind text, oid bigint, schema text, name text, publication text)
  on conflict do nothing
`;

const perStatement = 1_000;

/** Saves them; within the transaction that saves the plan. */
export async function saveBaseObjects(target: ClientBase, objects: readonly BaseObject[]): Promise<void> {
  for (let first = 0; first < objects.length; first += perStatement) {
    await queryLedger(target, insertObjects, [JSON.stringify(objects.slice(first, first + perStatement))]);
  }
}

const findOnTarget = `
  update _pgmig.base_object as base
  set target_oid = c.oid
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where base.kind <> 'publication'
    and base.target_oid is null
    and n.nspname = base.schema_name
    and c.relname = base.name
    and c.relkind = case base.kind when 'sequence' then 'S' when 'table' then 'r' else 'p' end
`;

/** Notes which objects of the target they have become, while nobody can have renamed any. */
export async function findBaseObjectsOnTarget(target: ClientBase): Promise<void> {
  if (await hasBaseObjects(target)) await queryLedger(target, findOnTarget);
}

const baseObjects = `
  select
    base.kind,
    base.oid::text as oid,
    base.schema_name as schema,
    base.name,
    base.publication,
    n.nspname as target_schema,
    c.relname as target_name
  from _pgmig.base_object as base
  left join pg_catalog.pg_class as c on c.oid = base.target_oid
  left join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  order by base.kind, base.oid
`;

/** In the order of their OIDs; undefined where there is no ledger that has them. */
export async function readBaseObjects(target: ClientBase): Promise<FollowedObject[] | undefined> {
  if (!(await hasBaseObjects(target))) return undefined;
  const { rows } = await queryLedger<{
    kind: BaseKind;
    oid: string;
    schema: string;
    name: string;
    publication: string | null;
    target_schema: string | null;
    target_name: string | null;
  }>(target, baseObjects);
  return rows.map(({ kind, oid, schema, name, publication, target_schema, target_name }) => ({
    kind,
    oid,
    schema,
    name,
    publication: publication ?? undefined,
    target: target_schema === null || target_name === null ? undefined : { schema: target_schema, name: target_name },
  }));
}

/** A ledger that an earlier version of this service has made has no such table. */
async function hasBaseObjects(target: ClientBase): Promise<boolean> {
  if ((await ledgerOf(target)) === undefined) return false;
  const sql = await ledgerSql(target, "select pg_catalog.to_regclass('_pgmig.base_object') is not null as found");
  return (await target.query<{ found: boolean }>(sql)).rows[0]?.found === true;
}
