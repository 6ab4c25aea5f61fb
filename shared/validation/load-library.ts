/** Trying on a target whether it has a library, as pg_upgrade does: the server's own search, and its own words. */
import pg from "pg";
import { quoteLiteral } from "../postgres/identifiers.js";

/**
 * Loads a library into the session, inside the transaction that it is in. Without superuser the server looks only into `$libdir/plugins`.
 * @param library as pg_proc.probin or session_preload_libraries has it: a path, with or without its suffix
 * @returns what the server says; undefined when it has loaded it
 */
export async function loadFailure(target: pg.ClientBase, library: string): Promise<pg.DatabaseError | undefined> {
  await target.query("savepoint library");
  try {
    await target.query(`load ${quoteLiteral(library)}`);
    await target.query("release savepoint library");
    return undefined;
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    await target.query("rollback to savepoint library");
    return error;
  }
}
