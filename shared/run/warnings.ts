/** What did not stop the migration of a database, but should be looked at. */
import { getDatabase, recordDatabase } from "../status/databases.js";

/** Adds warnings to the database's own, each once; they are shown in its message and its row. */
export async function addWarnings(key: string, database: string, warnings: readonly string[]): Promise<void> {
  if (warnings.length === 0) return;
  const row = await getDatabase(key, database);
  const known = row?.warnings === undefined ? [] : row.warnings.split("\n");
  const added = warnings.map((warning) => warning.replaceAll("\n", " ")).filter((warning) => !known.includes(warning));
  if (added.length > 0) await recordDatabase(key, database, { warnings: [...known, ...new Set(added)].join("\n") });
}
