/** Design invariant 3: a part's rows and its ledger row commit together, so that running it twice, at once or later, loads it once. */
import type pg from "pg";
import { queryLedger } from "./ledger-name.js";
import type { PartToCopy } from "./parts.js";

export interface CopiedPart {
  readonly rows: number;
  /** Bytes of COPY text. */
  readonly bytes: number;
}

export interface CopyPartOptions {
  /** In a transaction of the database's snapshot. */
  readonly source: pg.Client;
  readonly sourceVersion: number;
  /** Outside of a transaction. */
  readonly target: pg.Client;
  readonly instance: string;
  readonly signal: AbortSignal;
  /** Told as the bytes flow. */
  readonly onBytes: (bytes: number) => void;
}

const claimPart = `
  insert into _pgmig.ledger (part_id, instance)
  values ($1, $2)
  on conflict do nothing
`;

const recordPart = `
  update _pgmig.ledger
  set rows = $2, bytes = $3, finished_at = now()
  where part_id = $1
`;

const readLedger = `
  select rows, bytes
  from _pgmig.ledger
  where part_id = $1
`;

/**
 * Runs `load` in a transaction on the target that begins with the part's ledger row. When it throws, the transaction is left for the caller to
 * abandon with its session: a stream that broke half-way says nothing of what the server still expects.
 * @returns what the part holds, whoever loaded it.
 */
export async function loadOnce(
  part: PartToCopy,
  { target, instance }: Pick<CopyPartOptions, "target" | "instance">,
  load: () => Promise<CopiedPart>,
): Promise<CopiedPart> {
  await target.query("begin");
  // A second runner of the part waits here for the first one's commit, and then finds the row.
  const claimed = await queryLedger(target, claimPart, [part.id, instance]);
  if (claimed.rowCount === 0) {
    const { rows } = await queryLedger<{ rows: string; bytes: string }>(target, readLedger, [part.id]);
    await target.query("commit");
    return { rows: Number(rows[0]?.rows ?? 0), bytes: Number(rows[0]?.bytes ?? 0) };
  }
  const copied = await load();
  await queryLedger(target, recordPart, [part.id, copied.rows, copied.bytes]);
  await target.query("commit");
  return copied;
}
