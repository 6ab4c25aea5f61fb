/** Ending our own sessions on a server: what a cancel does, and the last thing that every migration does. */
import type pg from "pg";
import { applicationNamePrefix, databaseMark } from "./application-name.js";

const endOurSessions = `
  select count(pg_catalog.pg_terminate_backend(pid))::int as ended
  from pg_catalog.pg_stat_activity
  where left(application_name, length($1)) = $1
    and ($2::text is null or datname = $2 or right(application_name, length($4)) = $4)
    and right(application_name, length($3)) <> $3
`;

const countOurSessions = `
  select count(*)::int as left_over
  from pg_catalog.pg_stat_activity
  where left(application_name, length($1)) = $1
    and ($2::text is null or datname = $2 or right(application_name, length($4)) = $4)
    and right(application_name, length($3)) <> $3
`;

/**
 * The task of a session that ends others. Several may be at it at once (a cancel, and the activities that notice it): they must not end each
 * other, and they end by themselves.
 */
export const endingTask = "end sessions";

export interface OurSessions {
  readonly migrationKey: string;
  /** Only the sessions that are in this database, or at work for it in another (taskFor()); all of the migration's when left out. */
  readonly database?: string;
}

/**
 * Ends every session of the migration (keepers, copies, detached statements), and waits until they are gone. To be called in a session
 * whose task is `endingTask`.
 * @param limitSeconds how long to wait for them.
 * @returns how many are still there: 0, unless the limit was reached.
 */
export async function endSessions(client: pg.ClientBase, sessions: OurSessions, limitSeconds = 10): Promise<number> {
  const { migrationKey, database } = sessions;
  const mark = database === undefined ? null : databaseMark(database);
  const parameters = [applicationNamePrefix(migrationKey), database ?? null, endingTask, mark];
  const deadline = Date.now() + limitSeconds * 1_000;
  for (;;) {
    await client.query(endOurSessions, parameters);
    const { rows } = await client.query<{ left_over: number }>(countOurSessions, parameters);
    const leftOver = rows[0]?.left_over ?? 0;
    if (leftOver === 0 || Date.now() >= deadline) return leftOver;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
