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
  readonly schema: string;
  readonly name: string;
  /** Whether updates and deletes can be told apart on the target. */
  readonly identified: boolean;
  /** False for unlogged tables: their changes are not in the WAL. */
  readonly logged: boolean;
  /** Rows updated or deleted since the server's statistics began, rolled back ones included. */
  readonly changes: number;
}

/**
 * Ordinary tables and leaf partitions, as the base copy has them; an extension's tables are its own matter. The identity is the primary key's unless the
 * table says otherwise; an index that is checked at commit only is none.
 */
const publishableTables = `
  select
    n.nspname as schema,
    c.relname as name,
    c.relpersistence = 'p' as logged,
    c.relreplident = 'f'
      or exists (
        select
        from pg_catalog.pg_index as i
        where i.indrelid = c.oid
          and i.indimmediate
          and i.indisvalid
          and case c.relreplident when 'd' then i.indisprimary when 'i' then i.indisreplident else false end
      ) as identified,
    coalesce(pg_catalog.pg_stat_get_tuples_updated(c.oid), 0)
      + coalesce(pg_catalog.pg_stat_get_tuples_deleted(c.oid), 0) as changes
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.relkind = 'r'
    and c.relpersistence <> 't'
    and ${userSchema("n")}
    and ${ofNoExtension("pg_class", "c.oid")}
  order by n.nspname, c.relname
`;

/** The tables of the database whose changes can be published, or could be if they were logged. */
export async function listPublishableTables(source: ClientBase): Promise<PublishableTable[]> {
  const { rows } = await source.query<Omit<PublishableTable, "changes"> & { changes: string }>(publishableTables);
  return rows.map((row) => ({ ...row, changes: Number(row.changes) }));
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
  select distinct schemaname as schema, tablename as name
  from pg_catalog.pg_publication_tables
  where left(pubname, length($1)) = $1
`;

/** The tables that the publications with this prefix have now. */
export async function listPublishedTables(
  source: ClientBase,
  prefix: string,
): Promise<{ schema: string; name: string }[]> {
  return (await source.query<{ schema: string; name: string }>(publishedTables, [prefix])).rows;
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
