/**
 * Where two tables differ that should not: the rows are dealt into buckets by a digest of their key, the buckets' sums compared, and those that differ dealt
 * again, until few rows are left. Each round reads both tables once and divides by 4,096.
 */
import type pg from "pg";
import { qualifiedName, quoteIdentifier } from "../postgres/identifiers.js";
import { type CanonicalRow, recordText } from "./canonical-row.js";
import { digest, withinLimit } from "./tally.js";

/** One side of a table: a session, and the tables that hold its rows (one, or the leaves of a tree). */
export interface ComparedSide {
  readonly client: pg.ClientBase;
  readonly tables: readonly { readonly schema: string; readonly name: string }[];
  /** WHERE clause of an extension's configuration table. */
  readonly rowFilter: string | undefined;
}

export interface ComparedTable {
  readonly source: ComparedSide;
  readonly target: ComparedSide;
  readonly columns: readonly string[];
  /** Columns of the primary key, or of another key that has no nulls; none when rows are told apart by their contents. */
  readonly keyColumns: readonly string[];
  readonly row: CanonicalRow;
  /** When to give up, milliseconds since 1970. */
  readonly deadline: number;
}

/** Where a row is: its table, quoted and qualified, and its ctid, `(block,item)`. */
export type Place = readonly [table: string, ctid: string];

export interface DifferingRow {
  /** The key as text, e.g. `(5)`; undefined for a table without one. */
  readonly key: string | undefined;
  /** Undefined where the row is missing. */
  readonly source: Place | undefined;
  readonly target: Place | undefined;
  /** Which columns differ, of a row that is on both sides. */
  readonly columns: readonly string[];
}

/** Hexadecimal digits of the digest that one round looks at. */
const digitsPerRound = 3;
/** Buckets that are followed up, and rows that are fetched to be compared one by one. */
const bucketsFollowed = 20;
const rowsFetched = 5_000;
const rowsTold = 10;

/** @returns the first differing rows, in the order of their keys' digests; undefined when the time was up. */
export async function findDifferingRows(table: ComparedTable): Promise<DifferingRow[] | undefined> {
  let prefixes = [""];
  for (let digits = digitsPerRound; ; digits += digitsPerRound) {
    const differing = await differingBuckets(table, table.row.expression, prefixes, digits);
    if (differing === undefined) return undefined;
    const followed = differing.slice(0, bucketsFollowed);
    prefixes = followed.map(({ prefix }) => prefix);
    const rows = followed.reduce((sum, bucket) => sum + bucket.rows, 0);
    if (rows <= rowsFetched || digits >= 30) return await compareRows(table, prefixes);
  }
}

/** Whether the tables are the same but for these columns; undefined when the time was up. */
export async function equalBut(table: ComparedTable, columns: readonly string[]): Promise<boolean | undefined> {
  const rest = table.row.forms.filter(({ column }) => !columns.includes(column)).map(({ form }) => form);
  // Without a key the buckets must not depend on the columns that are left out either.
  const keyed = table.keyColumns.length > 0 && !table.keyColumns.some((column) => columns.includes(column));
  const differing = await differingBuckets(table, recordText(rest), [""], 1, keyed ? undefined : recordText(rest));
  return differing && differing.length === 0;
}

interface Bucket {
  readonly prefix: string;
  readonly rows: number;
}

async function differingBuckets(
  table: ComparedTable,
  row: string,
  prefixes: readonly string[],
  digits: number,
  key = keyText(table),
): Promise<Bucket[] | undefined> {
  const [source, target] = await Promise.all([
    readBuckets(table, table.source, { row, key, prefixes, digits }),
    readBuckets(table, table.target, { row, key, prefixes, digits }),
  ]);
  if (source === undefined || target === undefined) return undefined;
  return [...new Set([...source.keys(), ...target.keys()])]
    .filter((bucket) => source.get(bucket)?.sum !== target.get(bucket)?.sum)
    .sort()
    .map((prefix) => ({ prefix, rows: Math.max(source.get(prefix)?.rows ?? 0, target.get(prefix)?.rows ?? 0) }));
}

async function readBuckets(
  { columns, deadline }: ComparedTable,
  side: ComparedSide,
  { row, key, prefixes, digits }: { row: string; key: string; prefixes: readonly string[]; digits: number },
): Promise<Map<string, { rows: number; sum: string }> | undefined> {
  const buckets = `
    select left(key_digest, ${digits}) as bucket, count(*)::int as rows, count(*) || ':' || sum(row_digest) as sum
    from (
      select md5(${key}) as key_digest, ${digest(row)} as row_digest
      from (${rowsOf(side, columns)}) as compared
    ) as digests
    where left(key_digest, ${prefixes[0]?.length ?? 0}) = any ($1)
    group by 1
  `;
  return await withinLimit(side.client, deadline - Date.now(), async () => {
    const { rows } = await side.client.query<{ bucket: string; rows: number; sum: string }>(buckets, [prefixes]);
    return new Map(rows.map(({ bucket, rows: count, sum }) => [bucket, { rows: count, sum }]));
  });
}

interface FetchedRow {
  readonly place: Place;
  readonly key: string;
  readonly row: string;
  readonly columns: readonly string[];
}

async function compareRows(table: ComparedTable, prefixes: readonly string[]): Promise<DifferingRow[] | undefined> {
  const [source, target] = await Promise.all([
    fetchRows(table, table.source, prefixes),
    fetchRows(table, table.target, prefixes),
  ]);
  if (source === undefined || target === undefined) return undefined;
  // Rows that are the same pair off, however often they occur.
  const [left, right] = [unpaired(source, target), unpaired(target, source)];
  const keyed = table.keyColumns.length > 0;
  const differing: DifferingRow[] = left.map((row) => {
    const other = keyed ? right.find(({ key }) => key === row.key) : undefined;
    return {
      key: keyed ? row.key : undefined,
      source: row.place,
      target: other?.place,
      columns:
        other === undefined ? [] : table.columns.filter((_, index) => row.columns[index] !== other.columns[index]),
    };
  });
  const missing = right
    .filter((row) => !keyed || !left.some(({ key }) => key === row.key))
    .map((row) => ({ key: keyed ? row.key : undefined, source: undefined, target: row.place, columns: [] }));
  return [...differing, ...missing].slice(0, rowsTold);
}

function unpaired(rows: readonly FetchedRow[], others: readonly FetchedRow[]): FetchedRow[] {
  const counts = new Map<string, number>();
  for (const { row } of others) counts.set(row, (counts.get(row) ?? 0) + 1);
  return rows.filter(({ row }) => {
    const left = counts.get(row) ?? 0;
    counts.set(row, left - 1);
    return left <= 0;
  });
}

async function fetchRows(
  table: ComparedTable,
  side: ComparedSide,
  prefixes: readonly string[],
): Promise<FetchedRow[] | undefined> {
  const key = keyText(table);
  const place = placeColumn(table.columns);
  const columns = table.row.forms.map(({ form }) => `md5(${recordText([form])})`);
  const rows = `
    select
      ${place} as place,
      ${table.keyColumns.length > 0 ? key : "''"} as key,
      md5(${table.row.expression}) as row,
      array[${columns.join(", ")}]::text[] as columns
    from (${rowsOf(side, table.columns)}) as compared
    where left(md5(${key}), ${prefixes[0]?.length ?? 0}) = any ($1)
    order by md5(${key}), ${place}
    limit ${rowsFetched}
  `;
  return await withinLimit(side.client, table.deadline - Date.now(), async () => {
    return (await side.client.query<FetchedRow>(rows, [prefixes])).rows;
  });
}

/** What tells one row from another: its key, or all of it. */
function keyText({ keyColumns, row }: ComparedTable): string {
  if (keyColumns.length === 0) return row.expression;
  return recordText(row.forms.filter(({ column }) => keyColumns.includes(column)).map(({ form }) => form));
}

/** The rows of one side, and where each is. */
function rowsOf({ tables, rowFilter }: ComparedSide, columns: readonly string[]): string {
  const wanted = columns.map((column) => `${quoteIdentifier(column)}, `).join("");
  const place = placeColumn(columns);
  return tables
    .map(
      ({ schema, name }) =>
        `select ${wanted}array[tableoid::regclass::text, ctid::text] as ${place}
        from only ${qualifiedName(schema, name)} ${rowFilter ?? ""}`,
    )
    .join("\nunion all\n");
}

/** The name of the column that says where a row is: none of the table's own. */
function placeColumn(columns: readonly string[]): string {
  let name = "place";
  while (columns.includes(name)) name += "_";
  return quoteIdentifier(name);
}

/** Before 11 an index has no columns beside those of its key, and pg_index no indnkeyatts. */
const keyColumns = `
  select array(
    select a.attname::text
    from unnest(i.indkey::int2[]) with ordinality as k (attnum, place)
    join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = k.attnum
    where k.place <= coalesce((to_jsonb(i) ->> 'indnkeyatts')::integer, i.indnatts)
    order by k.place
  ) as columns
  from pg_catalog.pg_index as i
  where i.indrelid = $1::regclass
    and i.indisunique
    and i.indisvalid
    and i.indimmediate
    and i.indpred is null
    and i.indexprs is null
    and not exists (
      select
      from unnest(i.indkey::int2[]) as k (attnum)
      join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = k.attnum
      where not a.attnotnull
    )
  order by i.indisprimary desc, i.indnatts, i.indexrelid
  limit 1
`;

/** The columns of a key of the table that has no nulls: its primary key if it has one. None if it has none. */
export async function readKeyColumns(client: pg.ClientBase, schema: string, table: string): Promise<string[]> {
  const { rows } = await client.query<{ columns: string[] }>(keyColumns, [qualifiedName(schema, table)]);
  return rows[0]?.columns ?? [];
}
