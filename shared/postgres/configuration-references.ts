/** Foreign keys between extensions' configuration tables: CREATE EXTENSION makes them before there are rows. */
import type { ClientBase } from "pg";

/** A table, and one that its rows refer to: whose rows have to be there first. */
export interface TableReference {
  readonly schema: string;
  readonly name: string;
  readonly refersTo: { readonly schema: string; readonly name: string };
}

/** What pg_dump asks for likewise (processExtensionTables): a table may refer to itself, one COPY is checked at its end. */
const configurationReferences = `
  select
    n.nspname as schema,
    c.relname as name,
    json_build_object('schema', referenced_schema.nspname, 'name', referenced.relname) as "refersTo"
  from pg_catalog.pg_constraint as f
  join pg_catalog.pg_class as c on c.oid = f.conrelid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  join pg_catalog.pg_class as referenced on referenced.oid = f.confrelid
  join pg_catalog.pg_namespace as referenced_schema on referenced_schema.oid = referenced.relnamespace
  where f.contype = 'f'
    and f.conrelid <> f.confrelid
    and exists (select from pg_catalog.pg_extension as e where f.conrelid = any (e.extconfig))
    and exists (select from pg_catalog.pg_extension as e where f.confrelid = any (e.extconfig))
`;

export async function listConfigurationReferences(source: ClientBase): Promise<TableReference[]> {
  return (await source.query<TableReference>(configurationReferences)).rows;
}
