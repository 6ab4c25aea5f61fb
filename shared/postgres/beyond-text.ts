/** Values that are within a server's limits, and whose text is not: a row's text has less than 1 GB, and a byte of a bytea takes two characters. */
import { DatabaseError } from "pg";

/** SQLSTATE program_limit_exceeded, also of rows that an index cannot hold. */
const limitExceeded = "54000";

/** Whether a server could not put a row, or a value, together as text (or as the message that it travels in). */
export function isBeyondText(error: unknown): boolean {
  if (!(error instanceof DatabaseError)) return false;
  if (/invalid memory alloc request size/i.test(error.message)) return true;
  return error.code === limitExceeded && (error.routine ?? "").includes("StringInfo");
}
