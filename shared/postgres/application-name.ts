/**
 * application_name of our sessions: it names the migration and the task, and is how "no session of ours stays" is carried out.
 */
import { createHash } from "node:crypto";

/** PostgreSQL cuts application_name at 63 bytes and shows anything but printable ASCII as "?". */
const maxBytes = 63;

/** What is left of them for a task, whatever the migration's name. */
const maxTaskBytes = 27;

/** What the application_name of every session of the migration starts with; unique per migration key. */
export function applicationNamePrefix(migrationKey: string): string {
  const name = migrationKey.slice(migrationKey.indexOf("_") + 1, migrationKey.indexOf("_") + 17);
  return `migration ${name}~${hashOf(migrationKey)} `;
}

/** The application_name of the session that does `task` for the migration, e.g. "migration orders~1f2e3d4c copy 17". */
export function applicationName(migrationKey: string, task: string): string {
  return `${applicationNamePrefix(migrationKey)}${printable(task)}`.slice(0, maxBytes);
}

/** A task that is done for a database of the migration by a session in another one, e.g. "validate orders~9c1d2e3f". */
export function taskFor(database: string, task: string): string {
  const mark = databaseMark(database);
  return printable(`${task} ${database}`).slice(0, maxTaskBytes - mark.length) + mark;
}

/** What the application_name of such a session ends with. */
export function databaseMark(database: string): string {
  return `~${hashOf(database)}`;
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

function printable(text: string): string {
  return text.replace(/[^ -~]/g, "?");
}
