import pg from "pg";

/** What one side knows of one table: how many rows, and a checksum that does not depend on their order. */
export interface TableFingerprint {
  rows: bigint;
  checksum: string;
  /** On disk with TOAST, without indexes. */
  bytes: number;
}

/** One table on both sides; a side is undefined where the table is missing. */
export interface TableComparison {
  schema: string;
  table: string;
  kind: "table" | "materialized view";
  source: TableFingerprint | undefined;
  target: TableFingerprint | undefined;
  equal: boolean;
}

/** One sequence on both sides: "last_value,is_called", undefined where the sequence is missing. */
export interface SequenceComparison {
  schema: string;
  sequence: string;
  source: string | undefined;
  target: string | undefined;
  equal: boolean;
}

export interface DatabaseComparison {
  tables: TableComparison[];
  sequences: SequenceComparison[];
  /** Every table and every sequence is on both sides and the same. */
  equal: boolean;
}

// What a row looks like as text must not depend on the server's version or configuration.
const comparableText = `
  set search_path = '';
  set datestyle = 'ISO, YMD';
  set intervalstyle = 'postgres';
  set timezone = 'UTC';
  set extra_float_digits = 3;
  set bytea_output = 'hex';
  set xmlbinary = 'base64';
  set lc_monetary = 'C';
  set row_security = off;
  set statement_timeout = 0;
`;

// Partitioned parents hold no rows of their own; their leaves are listed.
const listTables = `
  select n.nspname as schema, c.relname as table, c.relkind as kind, c.relispopulated as populated,
         pg_catalog.pg_table_size(c.oid) as bytes
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm') and c.relpersistence <> 't'
    and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
  order by pg_catalog.pg_table_size(c.oid) desc
`;

// A materialized view that was never filled cannot be read, and must arrive unfilled.
const notPopulated = "select 0 as rows, 'not populated' as checksum";

const listSequences = `
  select n.nspname as schema, c.relname as sequence
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'S' and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
`;

/**
 * Compares every table, materialized view and sequence of two databases, reading each side once and both at the same time.
 * Generated columns are part of a row. Sets the sessions' output settings and leaves them set.
 */
export async function compareDatabases(source: pg.Client, target: pg.Client): Promise<DatabaseComparison> {
  const [left, right] = await Promise.all([fingerprint(source), fingerprint(target)]);
  const tables: TableComparison[] = [];
  for (const key of union(left.tables, right.tables)) {
    const one = left.tables.get(key);
    const other = right.tables.get(key);
    const identity = (one ?? other)?.identity;
    if (identity === undefined) continue;
    const equal =
      one !== undefined &&
      other !== undefined &&
      one.identity.kind === other.identity.kind &&
      one.fingerprint.rows === other.fingerprint.rows &&
      one.fingerprint.checksum === other.fingerprint.checksum;
    tables.push({ ...identity, source: one?.fingerprint, target: other?.fingerprint, equal });
  }
  const sequences: SequenceComparison[] = [];
  for (const key of union(left.sequences, right.sequences)) {
    const one = left.sequences.get(key);
    const other = right.sequences.get(key);
    const found = one ?? other;
    if (found === undefined) continue;
    sequences.push({
      schema: found.schema,
      sequence: found.sequence,
      source: one?.value,
      target: other?.value,
      equal: one?.value === other?.value,
    });
  }
  return { tables, sequences, equal: [...tables, ...sequences].every(({ equal }) => equal) };
}

/** The differences, one a line, for people; empty when there are none. */
export function differences(comparison: DatabaseComparison): string[] {
  const side = (found: TableFingerprint | undefined) =>
    found === undefined ? "missing" : `${found.rows} rows, checksum ${found.checksum}`;
  return [
    ...comparison.tables
      .filter(({ equal }) => !equal)
      .map((row) => `${row.kind} ${row.schema}.${row.table}: source ${side(row.source)}; target ${side(row.target)}`),
    ...comparison.sequences
      .filter(({ equal }) => !equal)
      .map((row) => `sequence ${row.schema}.${row.sequence}: source ${row.source}; target ${row.target}`),
  ];
}

interface Side {
  tables: Map<string, { identity: Pick<TableComparison, "schema" | "table" | "kind">; fingerprint: TableFingerprint }>;
  sequences: Map<string, { schema: string; sequence: string; value: string }>;
}

async function fingerprint(client: pg.Client): Promise<Side> {
  await client.query(comparableText);
  const side: Side = { tables: new Map(), sequences: new Map() };
  for (const { schema, table, kind, populated, bytes } of (await client.query(listTables)).rows) {
    const sql = populated ? checksumOf(schema, table) : notPopulated;
    const [found] = (await client.query<{ rows: string; checksum: string }>(sql)).rows;
    if (found === undefined) throw new Error(`no checksum of ${schema}.${table}`);
    side.tables.set(JSON.stringify([schema, table]), {
      identity: { schema, table, kind: kind === "m" ? "materialized view" : "table" },
      fingerprint: { rows: BigInt(found.rows), checksum: found.checksum, bytes: Number(bytes) },
    });
  }
  for (const { schema, sequence } of (await client.query(listSequences)).rows) {
    const { rows } = await client.query(
      `select last_value || ',' || is_called as value from ${qualified(schema, sequence)}`,
    );
    side.sequences.set(JSON.stringify([schema, sequence]), { schema, sequence, value: rows[0].value });
  }
  return side;
}

/** `(t.*)` and not `t`, which would be the column where a table has one of that name. */
function checksumOf(schema: string, table: string): string {
  return `
    select count(*) as rows,
           coalesce(sum(('x' || substr(md5((t.*)::text), 1, 16))::bit(64)::bigint), 0)::text as checksum
    from only ${qualified(schema, table)} as t
  `;
}

function qualified(schema: string, name: string): string {
  return `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`;
}

function union(left: Map<string, unknown>, right: Map<string, unknown>): string[] {
  return [...new Set([...left.keys(), ...right.keys()])].sort();
}
