/** Whether a database of a migration has come to its end. */
import { databaseHasEnded } from "../model/states.js";
import type { DatabaseRow } from "../status/databases.js";

export function hasEnded({ state }: Pick<DatabaseRow, "state">): boolean {
  return state !== undefined && databaseHasEnded(state);
}
