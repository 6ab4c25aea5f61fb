/** The source's tables and sequences by OID: in the base copy's snapshot, and later, to see what has become of them. */
import type { ClientBase } from "pg";
import type { BaseKind, BaseObject } from "../ledger/base-objects.js";
import type { ReplicationNames } from "../model/replication-names.js";
import { listPublishedTables, readPublications } from "./publication.js";
import { ofNoExtension, userSchema } from "./user-objects.js";

const relations = `
  select
    case c.relkind when 'S' then 'sequence' when 'r' then 'table' else 'partitioned table' end as kind,
    c.oid::int8::text as oid,
    n.nspname as schema,
    c.relname as name
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'S')
    and c.relpersistence <> 't'
    and ${userSchema("n")}
    and ${ofNoExtension("pg_class", "c.oid")}
  order by c.oid
`;

/**
 * The tables and sequences, as the session's transaction sees them.
 * @param names of an online migration: then its publications are among them, and each table says which it is in
 */
export async function listBaseObjects(source: ClientBase, names: ReplicationNames | undefined): Promise<BaseObject[]> {
  const { rows } = await source.query<{ kind: BaseKind; oid: string; schema: string; name: string }>(relations);
  if (names === undefined) return rows;
  const published = await listPublishedTables(source, names.allChanges);
  const publications = [...(await readPublications(source, names))].map(
    ([name, oid]): BaseObject => ({ kind: "publication", oid, schema: "", name }),
  );
  return [...publications, ...rows.map((row) => ({ ...row, publication: published.get(row.oid) }))];
}
