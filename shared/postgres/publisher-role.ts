/**
 * A role of its own on the source for a subscription to log in as: its password is generated, stands in the target's catalogue (pg_subscription) in place of the
 * source user's, and is worth nothing when the migration has ended. All that it may do is replicate.
 */
import type { ClientBase } from "pg";
import { quoteIdentifier, quoteLiteral } from "./identifiers.js";
import { publisherSettings } from "./session-settings.js";
import { keepOutOfServerLog, runUnlogged } from "./unlogged-statement.js";

const roleExists = "select from pg_catalog.pg_roles where rolname = $1";

const mayConnect = `
  select pg_catalog.has_database_privilege($1, pg_catalog.current_database(), 'connect') as may
`;

/**
 * Makes the role, or gives it another password; its sessions in the database that `source` is in have neutral settings, whatever database and server say. To be called
 * by one at a time.
 * @throws DatabaseError where our user may not: CREATEROLE and REPLICATION are needed, or a superuser
 */
export async function createPublisherRole(
  source: ClientBase,
  role: string,
  password: string,
  major: number,
): Promise<void> {
  const name = quoteIdentifier(role);
  const database = await currentDatabase(source);
  await keepOutOfServerLog(source);
  const verb = (await source.query(roleExists, [role])).rowCount === 0 ? "create" : "alter";
  await runUnlogged(source, `${verb} role ${name} login replication password ${quoteLiteral(password)}`);
  const { rows } = await source.query<{ may: boolean }>(mayConnect, [role]);
  if (rows[0]?.may !== true) await source.query(`grant connect on database ${database} to ${name}`);
  for (const [setting, value] of Object.entries(publisherSettings(major))) {
    await source.query(`alter role ${name} in database ${database} set ${setting} = ${quoteLiteral(value)}`);
  }
}

async function currentDatabase(source: ClientBase): Promise<string> {
  const { rows } = await source.query<{ name: string }>("select pg_catalog.current_database()::text as name");
  return quoteIdentifier(rows[0]?.name ?? "");
}

const ourRoles = `
  select
    role.rolname as role,
    exists (
      select
      from pg_catalog.pg_database as d
      cross join lateral pg_catalog.aclexplode(d.datacl) as granted
      where d.datname = pg_catalog.current_database()
        and granted.grantee = role.oid
    ) as granted
  from pg_catalog.pg_roles as role
  where left(role.rolname, length($1)) = $1
`;

/** Drops every role with this prefix. Converges. */
export async function dropPublisherRoles(source: ClientBase, prefix: string): Promise<void> {
  const { rows } = await source.query<{ role: string; granted: boolean }>(ourRoles, [prefix]);
  for (const { role, granted } of rows) {
    const name = quoteIdentifier(role);
    if (granted) await source.query(`revoke connect on database ${await currentDatabase(source)} from ${name}`);
    await source.query(`drop role if exists ${name}`);
  }
}
