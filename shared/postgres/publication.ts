/**
 * What the source publishes of one database: its permanent tables, by name.
 *
 * Not FOR ALL TABLES, even where that is allowed: a table made on the source later would be published at once, and the target, which has no
 * such table, would stop applying anything. And a table without a replica identity must not publish updates and deletes, for the source
 * would refuse them to its users: such tables publish inserts (and TRUNCATE) only.
 */

import type { ClientBase } from "pg";
import type { ReplicationNames } from "../model/replication-names.js";
import { ServiceError } from "../model/service-error.js";
import { qualifiedName, quoteIdentifier } from "./identifiers.js";
import { missingPublicationPrivileges } from "./publication-privileges.js";
import { serverVersion } from "./source-tables.js";
import { ofNoExtension, userSchema } from "./user-objects.js";

/** TRUNCATE can be published since this version. */
const publishesTruncate = 110_000;

export interface PublishableTable {
  /** As the server counts: an OID, as text. */
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  /** Whether its updates and deletes can be published: the source refuses them where it cannot, or the target does not find the rows. */
  readonly identified: boolean;
  /** Whether it has a primary key that would be an identity. */
  readonly hasPlainKey: boolean;
  /** Whether it has columns that are computed. */
  readonly hasGenerated: boolean;
  /** The publication of ours that it is in. */
  readonly publication: string | undefined;
  /** False for unlogged tables: their changes are not in the WAL. */
  readonly logged: boolean;
  /** Rows updated or deleted since the server's statistics began, rolled back ones included. */
  readonly changes: number;
}

/**
 * Ordinary tables and leaf partitions, as the base copy has them; an extension's tables are its own matter. The identity is the primary key's unless the
 * table says otherwise; an index that is checked at commit only is none. No computed column is in it: those are not published (to a target where they are
 * computed as well they cannot be), so that the source refuses updates and deletes (from 18 on), or the target does not find the row. From 18 on whole rows
 * (FULL) are refused as well where any column is computed (PostgreSQL docs, "Generated Column Replication"; pub_contains_invalid_column). Before, the target
 * looks for a whole row by its primary key where it has one.
 */
const publishableTables = `
  with tables as (
    select
      c.oid,
      n.nspname as schema,
      c.relname as name,
      c.relpersistence = 'p' as logged,
      c.relreplident as identity,
      array(
        select a.attnum
        from pg_catalog.pg_attribute as a
        where a.attrelid = c.oid
          and a.attnum > 0
          and not a.attisdropped
          and coalesce(pg_catalog.to_jsonb(a) ->> 'attgenerated', '') <> ''
      ) as generated,
      coalesce(pg_catalog.pg_stat_get_tuples_updated(c.oid), 0)
        + coalesce(pg_catalog.pg_stat_get_tuples_deleted(c.oid), 0) as changes
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind = 'r'
      and c.relpersistence <> 't'
      and ${userSchema("n")}
      and ${ofNoExtension("pg_class", "c.oid")}
  ), keys as (
    select
      i.indrelid as oid,
      bool_or(i.indisprimary and not computed.any) as has_plain_key,
      bool_or(i.indisprimary and computed.any) as has_computed_key,
      bool_or(i.indisreplident and not computed.any) as has_plain_identity
    from pg_catalog.pg_index as i
    join tables on tables.oid = i.indrelid
    cross join lateral (
      select coalesce(bool_or(column_number = any (tables.generated)), false) as any
      from unnest(i.indkey::smallint[]) as column_number
    ) as computed
    where i.indimmediate
      and i.indisvalid
    group by i.indrelid
  )
  select
    tables.oid::int8::text as oid,
    tables.schema,
    tables.name,
    tables.logged,
    tables.changes,
    tables.generated <> '{}' as "hasGenerated",
    coalesce(keys.has_plain_key, false) as "hasPlainKey",
    case tables.identity
      when 'd' then coalesce(keys.has_plain_key, false)
      when 'i' then coalesce(keys.has_plain_identity, false)
      when 'f' then not (
        coalesce(keys.has_computed_key, false)
        or tables.generated <> '{}' and pg_catalog.current_setting('server_version_num')::integer >= 180000
      )
      else false
    end as identified
  from tables
  left join keys on keys.oid = tables.oid
  order by tables.schema, tables.name
`;

/**
 * The tables of the database whose changes can be published, or could be if they were logged.
 * @param prefix of our publications' names
 */
export async function listPublishableTables(source: ClientBase, prefix: string): Promise<PublishableTable[]> {
  const published = await listPublishedTables(source, prefix);
  const { rows } = await source.query<Omit<PublishableTable, "changes" | "publication"> & { changes: string }>(
    publishableTables,
  );
  return rows.map((row) => ({ ...row, changes: Number(row.changes), publication: published.get(row.oid) }));
}

/**
 * Creates the publications of a run; nobody else may be at it.
 * @throws ServiceError SourcePrivilegeMissing where we do not own a table or may not create a publication.
 */
export async function createPublications(
  source: ClientBase,
  names: ReplicationNames,
  tables: readonly PublishableTable[],
): Promise<void> {
  const missing = await missingPublicationPrivileges(source);
  if (missing.length > 0) throw new ServiceError("SourcePrivilegeMissing", missing.join(" "));
  const logged = tables.filter((table) => table.logged);
  const truncate = (await serverVersion(source)) >= publishesTruncate ? ", truncate" : "";
  await publish(
    source,
    names.allChanges,
    logged.filter((table) => table.identified),
    `insert, update, delete${truncate}`,
  );
  await publish(
    source,
    names.insertsOnly,
    logged.filter((table) => !table.identified),
    `insert${truncate}`,
  );
  await publish(source, names.nothing, [], "insert");
}

/** Without tables it is created all the same: a subscription names both. */
async function publish(
  source: ClientBase,
  publication: string,
  tables: readonly PublishableTable[],
  operations: string,
): Promise<void> {
  const list = tables.map(({ schema, name }) => `only ${qualifiedName(schema, name)}`).join(", ");
  const content = list === "" ? "" : `for table ${list}`;
  await source.query(`create publication ${quoteIdentifier(publication)} ${content} with (publish = '${operations}')`);
}

const publishedTables = `
  select r.prrelid::int8::text as oid, p.pubname as publication
  from pg_catalog.pg_publication_rel as r
  join pg_catalog.pg_publication as p on p.oid = r.prpubid
  where left(p.pubname, length($1)) = $1
`;

/** The tables that the publications with this prefix have now: the publication's name, by the table's OID. */
export async function listPublishedTables(source: ClientBase, prefix: string): Promise<Map<string, string>> {
  const { rows } = await source.query<{ oid: string; publication: string }>(publishedTables, [prefix]);
  return new Map(rows.map(({ oid, publication }) => [oid, publication]));
}

const publicationsByName = `
  select oid::int8::text as oid, pubname as name
  from pg_catalog.pg_publication
  where pubname = any ($1)
`;

/** The publications that the subscription is to: their OIDs, by name. One that was dropped and made again is another one. */
export async function readPublications(source: ClientBase, names: ReplicationNames): Promise<Map<string, string>> {
  const { rows } = await source.query<{ oid: string; name: string }>(publicationsByName, [
    [names.allChanges, names.insertsOnly],
  ]);
  return new Map(rows.map(({ oid, name }) => [name, oid]));
}

const ourPublications =
  "select pubname as publication from pg_catalog.pg_publication where left(pubname, length($1)) = $1";

/** Drops every publication with this prefix from the database. Converges. */
export async function dropPublications(source: ClientBase, prefix: string): Promise<void> {
  const { rows } = await source.query<{ publication: string }>(ourPublications, [prefix]);
  for (const { publication } of rows) {
    await source.query(`drop publication if exists ${quoteIdentifier(publication)}`);
  }
}
