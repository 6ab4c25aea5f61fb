/**
 * Memberships that a migration's own user has in the roles it has made: without superuser they are what lets it give
 * objects to them. They go when no migration needs them any more.
 */
import type pg from "pg";
import { quoteIdentifier } from "../postgres/identifiers.js";
import { serverVersion } from "../postgres/source-tables.js";

const memberships = `
  select distinct role.rolname as role
  from pg_catalog.pg_auth_members as membership
  join pg_catalog.pg_roles as role on role.oid = membership.roleid
  join pg_catalog.pg_roles as member on member.oid = membership.member
  join pg_catalog.pg_roles as grantor on grantor.oid = membership.grantor
  where member.rolname = current_user
    and grantor.rolname = current_user
    and role.rolname = any ($1::text[])
  order by role.rolname
`;

/** Revokes what our user has granted itself in these roles. Converges. */
export async function dropOwnMemberships(target: pg.ClientBase, roles: readonly string[]): Promise<void> {
  const { rows } = await target.query<{ role: string }>(memberships, [roles]);
  if (rows.length === 0) return;
  const by = (await serverVersion(target)) >= 160_000 ? " granted by current_user" : "";
  await target.query(rows.map(({ role }) => `revoke ${quoteIdentifier(role)} from current_user${by}`).join(";\n"));
}
