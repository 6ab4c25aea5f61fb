/**
 * What our schema in a target database is called, and how ours is told from a user's schema of such a name.
 *
 * The name is `_pgmig`, unless the source has a schema of that name: then the first of `_pgmig_2`, `_pgmig_3` … that it has not. So it cannot meet a
 * schema of the user's. Each session finds the ledger by its name and its tables. In the SQL of this folder the schema is written `_pgmig`.
 */
import type { ClientBase, QueryResult, QueryResultRow } from "pg";
import { quoteIdentifier } from "../postgres/identifiers.js";

export const firstLedgerName = "_pgmig";

/**
 * A condition for a constant query: the namespace, e.g. "n", is a ledger of this or an earlier version. The name alone does not tell: a user may have
 * a schema of that name. The tables do: they have been the same from the first version on.
 */
export function isLedger(namespace: string): string {
  return `(
      ${namespace}.nspname ~ '^${firstLedgerName}(_[0-9]+)?$'
      and exists (
        select
        from pg_catalog.pg_class as ledger
        join pg_catalog.pg_attribute as ledger_column on ledger_column.attrelid = ledger.oid
        where ledger.relnamespace = ${namespace}.oid
          and ledger.relkind = 'r'
          and (ledger.relname, ledger_column.attname) in (
            ('ledger', 'part_id'), ('ledger', 'rows'), ('ledger', 'bytes'), ('ledger', 'instance'), ('ledger', 'finished_at'),
            ('statement_ledger', 'id'), ('statement_ledger', 'object'), ('statement_ledger', 'instance'),
            ('statement_ledger', 'finished_at')
          )
        group by ledger.oid, ledger.relname
        having count(*) = case ledger.relname when 'ledger' then 5 else 4 end
      )
    )`;
}

const ledgers = `
  select n.nspname as name
  from pg_catalog.pg_namespace as n
  where ${isLedger("n")}
  order by n.nspname
`;

/** The ledgers in a database: in a source, what earlier migrations into it have left. */
export async function listLedgers(client: ClientBase): Promise<string[]> {
  return (await client.query<{ name: string }>(ledgers)).rows.map(({ name }) => name);
}

const namesTaken = `
  select nspname as name
  from pg_catalog.pg_namespace
  where left(nspname, length($1)) = $1
`;

/** A name for the ledger that no schema of the source has. */
export async function freeLedgerName(source: ClientBase): Promise<string> {
  const { rows } = await source.query<{ name: string }>(namesTaken, [firstLedgerName]);
  const taken = new Set(rows.map(({ name }) => name));
  let name = firstLedgerName;
  for (let number = 2; taken.has(name); number++) name = `${firstLedgerName}_${number}`;
  return name;
}

/** What sessions in target databases have found: it stays the same for as long as they live. */
const found = new WeakMap<ClientBase, string>();

/** The ledger's schema in the database of this session; undefined when there is none. */
export async function ledgerOf(target: ClientBase): Promise<string | undefined> {
  const known = found.get(target) ?? (await listLedgers(target))[0];
  if (known !== undefined) found.set(target, known);
  return known;
}

/** To be told when the ledger is dropped: the session may go on. */
export function forgetLedger(target: ClientBase): void {
  found.delete(target);
}

/** The SQL of this folder, with the schema's real name in place of `_pgmig`. */
export async function ledgerSql(target: ClientBase, sql: string): Promise<string> {
  return named(sql, (await ledgerOf(target)) ?? firstLedgerName);
}

/** The same for a ledger that is to be created. */
export function named(sql: string, ledger: string): string {
  return sql.replaceAll(/\b_pgmig\b/g, quoteIdentifier(ledger));
}

/** Runs a statement on the ledger. */
export async function queryLedger<Row extends QueryResultRow>(
  target: ClientBase,
  sql: string,
  values: unknown[] = [],
): Promise<QueryResult<Row>> {
  return await target.query<Row>(await ledgerSql(target, sql), values);
}
