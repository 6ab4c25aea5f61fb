/**
 * application_name of our sessions: it names the migration and the task, and is how "no session of ours stays" is carried out.
 */
import { createHash } from "node:crypto";

/** PostgreSQL cuts application_name at 63 bytes and shows anything but printable ASCII as "?". */
const maxBytes = 63;

/** What the application_name of every session of the migration starts with; unique per migration key. */
export function applicationNamePrefix(migrationKey: string): string {
  const name = migrationKey.slice(migrationKey.indexOf("_") + 1, migrationKey.indexOf("_") + 17);
  const hash = createHash("sha256").update(migrationKey).digest("hex").slice(0, 8);
  return `migration ${name}~${hash} `;
}

/** The application_name of the session that does `task` for the migration, e.g. "migration orders~1f2e3d4c copy 17". */
export function applicationName(migrationKey: string, task: string): string {
  const printable = task.replace(/[^ -~]/g, "?");
  return `${applicationNamePrefix(migrationKey)}${printable}`.slice(0, maxBytes);
}
