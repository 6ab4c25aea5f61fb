/**
 * Trees of partitions whose rows may belong to another partition on the target, because what their keys hash to, or how they sort, depends on the server: they are
 * loaded through their root and counted there, as pg_dump's --load-via-partition-root does.
 */
import type { ClientBase } from "pg";
import { firstUserOid, readTypeTree, type TypeNode, type TypeTree } from "./type-tree.js";

export interface RelationAddress {
  readonly schema: string;
  readonly name: string;
}

/** A tree, or a subtree, that is loaded through its root. */
export interface ReroutedTree {
  readonly root: RelationAddress;
  /** Why its rows may go elsewhere, for people: "hash of column c: enum values hash by their OIDs". */
  readonly reason: string;
  /** Copied columns, in the root's order: the leaves may have another one. */
  readonly columns: readonly string[];
  /** The tables that hold its rows. */
  readonly leaves: readonly RelationAddress[];
}

/** Partitioned tables came with this version. */
const partitionedSince = 100_000;

/** pg_attribute.attgenerated is there from 12 on. */
const relations = `
  select
    c.oid::int8::float8 as oid,
    n.nspname::text as schema,
    c.relname::text as name,
    c.relkind::text as kind,
    (
      select i.inhparent::int8::float8
      from pg_catalog.pg_inherits as i
      where i.inhrelid = c.oid
    ) as parent,
    array(
      select a.attname::text
      from pg_catalog.pg_attribute as a
      where c.relkind = 'p'
        and a.attrelid = c.oid
        and a.attnum > 0
        and not a.attisdropped
        and coalesce(to_jsonb(a) ->> 'attgenerated', '') = ''
      order by a.attnum
    ) as columns
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p')
    and (c.relkind = 'p' or c.relispartition)
`;

/** One column or expression of a partition key. */
interface PartitionKey {
  readonly oid: number;
  /** h, l or r. */
  readonly strategy: string;
  /** Null for an expression. */
  readonly column: string | null;
  readonly type: number;
  readonly user_opclass: boolean;
  readonly user_function: boolean;
  readonly collated: boolean;
  readonly deterministic: boolean;
  readonly sorts_by_bytes: boolean;
}

const partitionKeys = `
  select
    p.partrelid::int8::float8 as oid,
    p.partstrat::text as strategy,
    a.attname::text as column,
    coalesce(a.atttypid, o.opcintype)::int8::float8 as type,
    o.oid::int8 >= 16384 as user_opclass,
    a.attnum is null and exists (
      select
      from pg_catalog.pg_depend as d
      where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
        and d.objid = p.partrelid
        and d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
    ) as user_function,
    l.oid is not null as collated,
    coalesce(to_jsonb(l) ->> 'collisdeterministic', 'true') = 'true' as deterministic,
    case
      when l.oid is null then true
      -- "default": the database's.
      when l.oid::int8 = 100 then current_database.sorts_by_bytes
      else l.collname in ('C', 'POSIX', 'ucs_basic') or coalesce(l.collcollate in ('C', 'POSIX'), false)
    end as sorts_by_bytes
  from pg_catalog.pg_partitioned_table as p
  cross join lateral unnest(p.partattrs::int2[], p.partclass::oid[], p.partcollation::oid[])
    with ordinality as k (attnum, opclass, collation_oid, place)
  join pg_catalog.pg_opclass as o on o.oid = k.opclass
  left join pg_catalog.pg_attribute as a on a.attrelid = p.partrelid and a.attnum = k.attnum and k.attnum > 0
  left join pg_catalog.pg_collation as l on l.oid = k.collation_oid
  cross join (
    select
      case coalesce(to_jsonb(d) ->> 'datlocprovider', 'c')
        when 'c' then d.datcollate in ('C', 'POSIX')
        -- PostgreSQL's own provider sorts by code points.
        else to_jsonb(d) ->> 'datlocprovider' = 'b'
      end as sorts_by_bytes
    from pg_catalog.pg_database as d
    where d.datname = pg_catalog.current_database()
  ) as current_database
  order by p.partrelid, k.place
`;

interface Relation {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: string;
  readonly parent: number | null;
  readonly columns: readonly string[];
}

/** Lists the trees of the database that `source` is connected to that are to be loaded through their roots. */
export async function listReroutedTrees(source: ClientBase, version: number): Promise<ReroutedTree[]> {
  if (version < partitionedSince) return [];
  const keys = (await source.query<PartitionKey>(partitionKeys)).rows;
  if (keys.length === 0) return [];
  const types = await readTypeTree(
    source,
    keys.map(({ type }) => type),
  );
  const reasons = new Map<number, string>();
  for (const key of keys) {
    const reason = whyElsewhere(key, types);
    if (reason !== undefined && !reasons.has(key.oid))
      reasons.set(
        key.oid,
        `${strategyNames.get(key.strategy)} of ${key.column === null ? "an expression" : `column ${key.column}`}: ${reason}`,
      );
  }
  if (reasons.size === 0) return [];
  return treesOf((await source.query<Relation>(relations)).rows, reasons);
}

const strategyNames = new Map([
  ["h", "hash"],
  ["l", "list"],
  ["r", "range"],
]);

/** float4, float8; aclitem and the types of OIDs of objects: pg_type.dat. */
const floats: ReadonlySet<string> = new Set(["float4", "float8"]);
const objectIds = /^(reg[a-z]+|aclitem)$/;

/** Why a key may lead to another partition on the target; undefined when it cannot. */
function whyElsewhere(key: PartitionKey, types: TypeTree): string | undefined {
  const made = (wanted: (type: TypeNode) => boolean) => types.some(key.type, wanted);
  const system = ({ oid }: TypeNode) => oid < firstUserOid;
  if (key.user_opclass) return "an operator class that is not PostgreSQL's own decides";
  if (key.user_function) return "a function that is not PostgreSQL's own decides";
  if (made(({ kind }) => kind === "p")) return "its type is known to its operator class only";
  if (key.collated && !key.deterministic) return "a nondeterministic collation decides which values are equal";
  if (key.strategy === "l") return undefined;
  if (made((type) => system(type) && objectIds.test(type.name)))
    return "its values are OIDs of objects, which differ on every server";
  if (key.strategy === "h") {
    if (made(({ kind }) => kind === "e")) return "enum values hash by their OIDs, which differ on every server";
    if (made((type) => system(type) && floats.has(type.name)))
      return "NaN hashes to different values in different releases";
    if (made(({ kind, oid }) => kind === "b" && oid >= firstUserOid))
      return "a type that is not PostgreSQL's own decides";
    // What is inside may have a collation of its own.
    if (!key.collated && made(({ collatable }) => collatable)) return "the collations of what it is made of decide";
    return undefined;
  }
  if (!key.sorts_by_bytes) return "values sort by a collation, which may differ on the target";
  if (!key.collated && made(({ collatable, name }) => collatable && name !== "name"))
    return "the collations of what it is made of decide";
  return undefined;
}

/** The topmost tables that route their rows in such a way, each with the leaves below it. */
function treesOf(all: readonly Relation[], reasons: ReadonlyMap<number, string>): ReroutedTree[] {
  const byOid = new Map(all.map((relation) => [relation.oid, relation]));
  const leaves = new Map<number, RelationAddress[]>();
  for (const relation of all) {
    if (relation.kind === "p") continue;
    let root: number | undefined;
    for (let above = relation.parent; above !== null; above = byOid.get(above)?.parent ?? null) {
      if (reasons.has(above)) root = above;
    }
    if (root === undefined) continue;
    leaves.set(root, [...(leaves.get(root) ?? []), { schema: relation.schema, name: relation.name }]);
  }
  return [...leaves].flatMap(([oid, ofTree]) => {
    const root = byOid.get(oid);
    if (root === undefined) return [];
    const { schema, name, columns } = root;
    return [{ root: { schema, name }, reason: reasons.get(oid) ?? "", columns, leaves: ofTree }];
  });
}
