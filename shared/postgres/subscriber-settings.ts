/**
 * Neutral settings for the workers that apply changes: they log in as the subscription's owner, with whatever server and role are set to, and no connection string of ours
 * reaches them. A role's settings for one database go over all others.
 */
import type { ClientBase } from "pg";
import { quoteIdentifier, quoteLiteral } from "./identifiers.js";
import { subscriberSettings } from "./session-settings.js";
import { serverVersion } from "./source-tables.js";

/** For the session's user, in the session's database, from the worker's next start on. */
export async function keepSubscriberNeutral(target: ClientBase): Promise<void> {
  const alter = await alterUser(target);
  for (const [setting, value] of await settingsOf(target)) {
    await target.query(`${alter} set ${setting} = ${quoteLiteral(value)}`);
  }
}

/** Converges. */
export async function forgetSubscriberSettings(target: ClientBase): Promise<void> {
  const alter = await alterUser(target);
  for (const [setting] of await settingsOf(target)) await target.query(`${alter} reset ${setting}`);
}

async function settingsOf(target: ClientBase): Promise<[string, string][]> {
  const major = Math.floor((await serverVersion(target)) / 10_000);
  return Object.entries(subscriberSettings(major));
}

async function alterUser(target: ClientBase): Promise<string> {
  const { rows } = await target.query<{ user: string; database: string }>(
    "select session_user::text as user, pg_catalog.current_database()::text as database",
  );
  const { user = "", database = "" } = rows[0] ?? {};
  return `alter role ${quoteIdentifier(user)} in database ${quoteIdentifier(database)}`;
}
