/** GET …/migrations/{name}/cutoverReadiness: what a person has to know before the cutover, asked of the source now. */
import type { ClientBase } from "pg";
import { replicationPrefix } from "../model/replication-names.js";
import { RequestError } from "../model/request-error.js";
import { withConnection } from "../postgres/connect.js";
import { listPublishableTables } from "../postgres/publication.js";
import { userSchema } from "../postgres/user-objects.js";
import { failureOf } from "../run/failure-of.js";
import { serversOf } from "../run/servers.js";
import { listDatabases } from "../status/databases.js";
import type { MigrationRow } from "../status/migrations.js";

/**
 * Transactions that have written, or may have: those with a transaction ID, and prepared ones. Without the right to see other users'
 * sessions pg_stat_activity hides backend_xid, and the answer says so.
 */
const openTransactions = `
  select
    (
      select count(*)::int
      from pg_catalog.pg_stat_activity
      where datname = pg_catalog.current_database()
        and pid <> pg_catalog.pg_backend_pid()
        and backend_xid is not null
        and left(application_name, 9) <> 'migration'
    ) as writing,
    (
      select count(*)::int
      from pg_catalog.pg_prepared_xacts
      where database = pg_catalog.current_database()
    ) as prepared,
    role.rolsuper or exists (
      select
      from pg_catalog.pg_roles as granted
      where granted.rolname in ('pg_read_all_stats', 'pg_monitor')
        and pg_catalog.pg_has_role(current_user, granted.oid, 'member')
    ) as sees_all
  from pg_catalog.pg_roles as role
  where role.rolname = current_user
`;

const carriedAtCutover = `
  select
    count(*) filter (where c.relkind = 'S')::int as sequences,
    count(*) filter (where c.relkind = 'm')::int as materialized_views,
    (select count(*)::int from pg_catalog.pg_largeobject_metadata) as large_objects
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where ${userSchema("n")}
`;

/**
 * A line a database that follows its source.
 * @throws RequestError 409 when the migration does not follow
 */
export async function readCutoverReadiness(migration: MigrationRow) {
  if (migration.mode !== "Online" || migration.substate !== "WaitingForCutoverTrigger") {
    const message = `The migration is in ${migration.substate ?? migration.state}: ask again when it is in WaitingForCutoverTrigger.`;
    throw new RequestError(409, "NotWaitingForCutover", message, { target: "migrationName" });
  }
  const [servers, rows] = await Promise.all([serversOf(migration.key), listDatabases(migration.key)]);
  const following = rows.filter(({ state }) => state === "WaitingForCutoverTrigger" || state === "InProgress");
  return await Promise.all(
    following.map(async (row) => {
      const known = {
        database: row.database,
        latencySeconds: row.latencySeconds,
        pendingBytes: Math.max(0, row.incomingChanges - row.appliedChanges),
        sampledOn: row.sampledOn,
      };
      try {
        const prefix = replicationPrefix(migration.key, row.database);
        const asked = await withConnection(servers.source(row.database, "cutover readiness"), (source) =>
          ask(source, prefix),
        );
        return { ...known, ...asked };
      } catch (error) {
        return { ...known, problem: failureOf(error).message };
      }
    }),
  );
}

async function ask(source: ClientBase, prefix: string) {
  const open = await source.query<{ writing: number; prepared: number; sees_all: boolean }>(openTransactions);
  const carried = await source.query<{ sequences: number; materialized_views: number; large_objects: number }>(
    carriedAtCutover,
  );
  const tables = await listPublishableTables(source, prefix);
  const named = (list: typeof tables) => list.map(({ schema, name }) => `${schema}.${name}`).slice(0, 100);
  const [sessions] = open.rows;
  const [counts] = carried.rows;
  return {
    openTransactions: (sessions?.writing ?? 0) + (sessions?.prepared ?? 0),
    seesAllTransactions: sessions?.sees_all ?? false,
    tablesNotReplicated: named(tables.filter(({ publication }) => publication === undefined)),
    tablesWithoutIdentity: named(
      tables.filter(({ publication, identified }) => !identified && publication !== undefined),
    ),
    sequences: counts?.sequences,
    materializedViews: counts?.materialized_views,
    largeObjects: counts?.large_objects,
  };
}
