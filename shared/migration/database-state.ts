/** Whether a database of a migration has come to its end. */
import type { DatabaseRow } from "../status/databases.js";

export function hasEnded({ state }: Pick<DatabaseRow, "state">): boolean {
  return state === "Succeeded" || state === "Failed" || state === "Canceled";
}
