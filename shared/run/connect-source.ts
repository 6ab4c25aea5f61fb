/** Getting into the source server when it does not matter through which database. */
import type pg from "pg";
import { DatabaseError } from "pg";
import { ServiceError } from "../model/service-error.js";
import { type ConnectOptions, connect } from "../postgres/connect.js";
import { type MigrationServers, maintenanceDatabase } from "./servers.js";

/** What a server says when it is only this database that it does not let us into: missing, closed, not granted, or full. */
const refusalsOfOneDatabase: ReadonlySet<string> = new Set(["3D000", "55000", "42501", "53300"]);

/**
 * Opens a session in the first database that lets us in: those of the migration, then those that every server has.
 * @param preferred tried before all of them; `settings` as connect() takes them.
 * @throws ServiceError as connect() does, for the first database tried, when none does or the server cannot be reached.
 */
export async function connectSource(
  { spec, source }: MigrationServers,
  task: string,
  { preferred, ...options }: { readonly preferred?: string } & Pick<ConnectOptions, "settings"> = {},
): Promise<pg.Client> {
  const candidates = [...(preferred === undefined ? [] : [preferred]), ...spec.databases];
  let first: unknown;
  for (const database of new Set([...candidates, maintenanceDatabase, "template1"])) {
    try {
      return await connect({ ...source(database, task), ...options });
    } catch (error) {
      first ??= error;
      if (!refusesOneDatabase(error)) throw error;
    }
  }
  throw first;
}

function refusesOneDatabase(error: unknown): boolean {
  if (!(error instanceof ServiceError && error.cause instanceof DatabaseError)) return false;
  return refusalsOfOneDatabase.has(error.cause.code ?? "");
}
