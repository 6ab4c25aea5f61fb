/** Telling the user's own objects from the system's, and from those that CREATE EXTENSION brings along: those are not dumped one by one. */
import { isLedger } from "../ledger/ledger-name.js";

type Catalog =
  | "pg_am"
  | "pg_cast"
  | "pg_class"
  | "pg_collation"
  | "pg_constraint"
  | "pg_event_trigger"
  | "pg_foreign_data_wrapper"
  | "pg_foreign_server"
  | "pg_language"
  | "pg_opclass"
  | "pg_operator"
  | "pg_opfamily"
  | "pg_proc"
  | "pg_ts_parser"
  | "pg_ts_template"
  | "pg_type";

/** A condition for a constant query: the catalog's row with this OID, e.g. "c.oid", is no member of an extension. */
export function ofNoExtension(catalog: Catalog, oid: `${string}.oid`): string {
  return `not exists (
      select
      from pg_catalog.pg_depend as membership
      where membership.classid = 'pg_catalog.${catalog}'::pg_catalog.regclass
        and membership.objid = ${oid}
        and membership.deptype = 'e'
    )`;
}

/**
 * A condition for a constant query: the namespace, e.g. "n", is neither the system's, nor one of temporary tables, nor what a migration of ours has
 * left.
 */
export function userSchema(namespace: string): string {
  return `${namespace}.nspname <> 'information_schema'
    and ${namespace}.nspname !~ '^pg_'
    and not ${isLedger(namespace)}`;
}
