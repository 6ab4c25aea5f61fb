/** Asking a server whether its operating system has a locale, without creating anything with it. */
import pg from "pg";
import { localeSpellings } from "./locale-spellings.js";

// The check that the server makes of a new value is the one that it makes of CREATE DATABASE's locales (pg_locale.c, check_locale). Any user may set
// this one, and the value is forgotten with the transaction.
const tryLocale = "select pg_catalog.set_config('lc_monetary', $1, true)";

/** Whether the server has the libc locale by one of its spellings. The session has to be in a transaction: a refusal is undone by a savepoint. */
export async function localeExists(client: pg.ClientBase, name: string): Promise<boolean> {
  for (const spelling of localeSpellings(name)) {
    try {
      await client.query("savepoint locale");
      await client.query(tryLocale, [spelling]);
      return true;
    } catch (error) {
      // invalid_parameter_value
      if (!(error instanceof pg.DatabaseError) || error.code !== "22023") throw error;
      await client.query("rollback to savepoint locale");
    }
  }
  return false;
}
