/** Doing something with a relation that has been given to another role. */
import type { ClientBase } from "pg";

const foreignOwner = `
  select owner.rolname as role
  from pg_catalog.pg_class as relation
  join pg_catalog.pg_namespace as namespace on namespace.oid = relation.relnamespace
  join pg_catalog.pg_roles as owner on owner.oid = relation.relowner
  join pg_catalog.pg_roles as own on own.rolname = current_user
  where namespace.nspname = $1
    and relation.relname = $2
    and owner.oid <> own.oid
    and not own.rolsuper
`;

/**
 * Who does what only the relation's owner may: a user that is no superuser must become him (SET ROLE), for a membership may be without INHERIT.
 * @returns undefined when the session's user does it as himself
 */
export async function roleToBe(
  session: ClientBase,
  { schema, name }: { readonly schema: string; readonly name: string },
): Promise<string | undefined> {
  const { rows } = await session.query<{ role: string }>(foreignOwner, [schema, name]);
  return rows[0]?.role;
}
