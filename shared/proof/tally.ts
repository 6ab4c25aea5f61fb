/**
 * What one server says of some rows: how many they are, and their checksum, a sum over digests of canonical rows. A sum depends neither on the rows' order nor on how
 * they are cut into parts, and unlike an exclusive-or it does not lose two rows that are the same.
 */
import type pg from "pg";
import { DatabaseError } from "pg";
import { type HeapSlice, selectRows } from "../copy/part-rows.js";

export interface Tally {
  readonly rows: bigint;
  /** The sum of the first 64 bits of each row's MD5; undefined when the rows are only counted. */
  readonly checksum: bigint | undefined;
}

/** Rows to be tallied, and their canonical form; undefined when they are only to be counted. */
export interface TalliedSlice {
  readonly slice: HeapSlice;
  readonly canonicalRow: string | undefined;
}

export const nothing: Tally = { rows: 0n, checksum: 0n };

export function add(one: Tally, other: Tally): Tally {
  const counted = one.checksum === undefined || other.checksum === undefined;
  return {
    rows: one.rows + other.rows,
    checksum: counted ? undefined : (one.checksum ?? 0n) + (other.checksum ?? 0n),
  };
}

/** As people read it: the sum modulo 2^64, 16 hexadecimal digits. */
export function checksumText(checksum: bigint): string {
  return BigInt.asUintN(64, checksum).toString(16).padStart(16, "0");
}

/** The first 64 bits of a text's MD5, as a bigint: the cast of a longer bit string keeps its first bits (PostgreSQL docs, "Bit String Types"). */
export function digest(text: string): string {
  return `('x' || md5(${text}))::bit(64)::bigint`;
}

function tallyQuery({ slice, canonicalRow }: TalliedSlice, number: number, version: number): string {
  if (canonicalRow === undefined) {
    return `
      select ${number} as number, count(*)::text as rows, null as checksum
      from (${selectRows({ ...slice, columns: [] }, version)}) as counted
    `;
  }
  return `
    select ${number} as number, count(*)::text as rows, coalesce(sum(${digest(canonicalRow)}), 0)::text as checksum
    from (${selectRows(slice, version)}) as canonical
  `;
}

/**
 * Tallies all slices in one statement.
 * @param limitMs how long the server may take
 * @returns the tallies in the slices' order; undefined when the limit was reached
 */
export async function tally(
  client: pg.ClientBase,
  slices: readonly TalliedSlice[],
  { version, limitMs }: { version: number; limitMs: number },
): Promise<Tally[] | undefined> {
  const queries = slices.map((slice, number) => tallyQuery(slice, number, version));
  return await withinLimit(client, limitMs, async () => {
    const { rows } = await client.query<{ number: number; rows: string; checksum: string | null }>(
      queries.join("\nunion all\n"),
    );
    const tallies = slices.map(() => nothing);
    for (const row of rows) tallies[row.number] = { rows: BigInt(row.rows), checksum: checksumOf(row.checksum) };
    return tallies;
  });
}

/** A sum as the server wrote it, numeric; undefined for null. */
export function checksumOf(text: string | null): bigint | undefined {
  return text === null ? undefined : BigInt(text);
}

const limitStatement = "select set_config('statement_timeout', $1, true)";

/** Runs a query in a subtransaction, so that a statement that is refused or cut off leaves the snapshot's transaction usable. Undefined when it was cut off. */
export async function withinLimit<T>(
  client: pg.ClientBase,
  limitMs: number,
  query: () => Promise<T>,
): Promise<T | undefined> {
  await client.query("savepoint tally");
  try {
    await client.query(limitStatement, [String(Math.max(1, Math.round(limitMs)))]);
    const result = await query();
    await client.query("release savepoint tally");
    return result;
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    await client.query("rollback to savepoint tally");
    if (!isCutOff(error)) throw error;
    return undefined;
  }
}

function isCutOff(error: DatabaseError): boolean {
  return error.code === "57014" && error.message.includes("statement timeout");
}
