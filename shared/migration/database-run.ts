/** One run of the base copy of one database: what most activities are about. */
import { z } from "zod";

export const DatabaseRun = z.object({
  /** The migration's key. */
  key: z.string(),
  database: z.string(),
  /** 1, and one more whenever the copy starts over from a new snapshot. */
  attempt: z.number().int(),
});
export type DatabaseRun = z.infer<typeof DatabaseRun>;

/** The run's name in the target's ledger: a database that bears it was created by this run. */
export function runName({ key, attempt }: DatabaseRun): string {
  return `${key} ${attempt}`;
}
