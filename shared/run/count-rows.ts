/** Counting the rows of one table, for as long as an activity may last. */
import type pg from "pg";
import { DatabaseError } from "pg";
import { settings } from "../settings.js";

/** Seconds that counting one table may take: an activity may last no longer. */
export function countLimitSeconds(): number {
  return Math.round(settings().activityBudgetSeconds * 0.7);
}

/** The table's rows, as text; undefined when counting takes longer than an activity may. */
export async function countRows(
  client: pg.Client,
  table: string,
  rowFilter: string | null,
): Promise<string | undefined> {
  await client.query(`set statement_timeout = '${countLimitSeconds()}s'`);
  try {
    const { rows } = await client.query<{ rows: string }>(
      `select count(*)::text as rows from only ${table} ${rowFilter ?? ""}`,
    );
    return rows[0]?.rows;
  } catch (error) {
    if (error instanceof DatabaseError && error.code === "57014" && error.message.includes("statement timeout"))
      return undefined;
    throw error;
  }
}
