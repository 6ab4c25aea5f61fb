/** How large the migration's databases are on the source. */
import type pg from "pg";

const sizes = `
  select coalesce(sum(pg_catalog.pg_database_size(oid)), 0) as bytes
  from pg_catalog.pg_database
  where datname = any ($1)
    and pg_catalog.has_database_privilege(oid, 'connect')
`;

/** Bytes of all of them together, indexes included; databases that we may not enter count nothing. */
export async function totalBytes(source: pg.Client, databases: readonly string[]): Promise<number> {
  const { rows } = await source.query<{ bytes: string }>(sizes, [databases]);
  return Number(rows[0]?.bytes ?? 0);
}
