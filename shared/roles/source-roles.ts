/** The roles that a migration takes along, as the source has them: read from catalogs that all of its databases share. */
import type pg from "pg";
import { z } from "zod";

const Membership = z.object({
  /** The role that is granted. */
  role: z.string(),
  member: z.string(),
  /** Who granted it; null where that role is gone. */
  grantor: z.string().nullable(),
  admin: z.boolean(),
  /** From PostgreSQL 16 on; null before: the member's own INHERIT decides. */
  inherit: z.boolean().nullable(),
  /** From PostgreSQL 16 on; null before: SET ROLE is always allowed. */
  set: z.boolean().nullable(),
});
export type Membership = z.infer<typeof Membership>;

const Role = z.object({
  name: z.string(),
  superuser: z.boolean(),
  inherit: z.boolean(),
  createRole: z.boolean(),
  createDatabases: z.boolean(),
  login: z.boolean(),
  replication: z.boolean(),
  bypassRowSecurity: z.boolean(),
  /** -1: none. */
  connectionLimit: z.number().int(),
  validUntil: z.string().nullable(),
  comment: z.string().nullable(),
  settings: z.array(z.object({ name: z.string(), value: z.string() })),
  labels: z.array(z.object({ provider: z.string(), label: z.string() })),
});
/** A role as a server has it, without its password. */
export type Role = z.infer<typeof Role>;

export interface SourceRoles {
  readonly roles: readonly Role[];
  readonly memberships: readonly Membership[];
  /** Password hashes by role, of those that have one; undefined when we may not read pg_authid. A secret: it is in no status, log or message. */
  readonly hashes: ReadonlyMap<string, string> | undefined;
}

/** Roles of the servers themselves and of those who run them: they are on the target, or have no business there. */
export const serversOwnRoles = "^(pg_|azure|rds|cloudsql)";

/**
 * Who owns or is granted anything in the databases ($1) or is given a setting there, their members, at any depth, and all groups of these, at any
 * depth. pg_shdepend knows all owners, grantees and roles of policies and default privileges. Roles below 16384 are initdb's.
 */
const wanted = `
  with recursive databases as (
    select oid from pg_catalog.pg_database where datname = any ($1::text[])
  ),
  used as (
    select dependency.refobjid as oid
    from pg_catalog.pg_shdepend as dependency
    where dependency.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
      and (
        dependency.dbid in (select oid from databases)
        or (
          dependency.classid = 'pg_catalog.pg_database'::pg_catalog.regclass
          and dependency.objid in (select oid from databases)
        )
      )
    union
    select setrole from pg_catalog.pg_db_role_setting where setdatabase in (select oid from databases)
  ),
  users as (
    select oid from used
    union
    select membership.member
    from pg_catalog.pg_auth_members as membership
    join users on users.oid = membership.roleid
    where membership.roleid >= 16384
  ),
  related as (
    select oid from users
    union
    select membership.roleid
    from pg_catalog.pg_auth_members as membership
    join related on related.oid = membership.member
  ),
  wanted as (
    select role.oid, role.rolname
    from pg_catalog.pg_roles as role
    where role.oid in (select oid from related)
      and role.oid >= 16384
      and role.rolname !~ '${serversOwnRoles}'
  )
`;

const roleColumns = `
    role.rolname as name,
    role.rolsuper as superuser,
    role.rolinherit as inherit,
    role.rolcreaterole as "createRole",
    role.rolcreatedb as "createDatabases",
    role.rolcanlogin as login,
    role.rolreplication as replication,
    role.rolbypassrls as "bypassRowSecurity",
    role.rolconnlimit as "connectionLimit",
    role.rolvaliduntil::text as "validUntil",
    pg_catalog.shobj_description(role.oid, 'pg_authid') as comment,
    coalesce((
      select pg_catalog.json_agg(pg_catalog.json_build_object(
        'name', pg_catalog.split_part(entry.setting, '=', 1),
        'value', pg_catalog.substr(entry.setting, pg_catalog.strpos(entry.setting, '=') + 1)
      ) order by entry.place)
      from pg_catalog.pg_db_role_setting as configured
      cross join lateral pg_catalog.unnest(configured.setconfig) with ordinality as entry (setting, place)
      where configured.setrole = role.oid
        and configured.setdatabase = 0
    ), '[]') as settings,
    coalesce((
      select pg_catalog.json_agg(pg_catalog.json_build_object('provider', label.provider, 'label', label.label))
      from pg_catalog.pg_shseclabel as label
      where label.objoid = role.oid
        and label.classoid = 'pg_catalog.pg_authid'::pg_catalog.regclass
    ), '[]') as labels
`;

const readRoles = `
  ${wanted}
  select ${roleColumns}
  from pg_catalog.pg_roles as role
  join wanted on wanted.oid = role.oid
  order by role.rolname
`;

const readNamed = `
  select ${roleColumns}
  from pg_catalog.pg_roles as role
  where role.rolname = any ($1::text[])
`;

// The options came with 16: through jsonb an absent one is null.
const readMemberships = `
  ${wanted}
  select
    role.rolname as role,
    member.rolname as member,
    grantor.rolname as grantor,
    membership.admin_option as admin,
    (pg_catalog.to_jsonb(membership) ->> 'inherit_option')::boolean as inherit,
    (pg_catalog.to_jsonb(membership) ->> 'set_option')::boolean as set
  from pg_catalog.pg_auth_members as membership
  join pg_catalog.pg_roles as role on role.oid = membership.roleid
  join wanted as member on member.oid = membership.member
  left join pg_catalog.pg_roles as grantor on grantor.oid = membership.grantor
  order by role.rolname, member.rolname, grantor.rolname
`;

const mayReadHashes = "select pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'select') as allowed";

const readHashes = `
  ${wanted}
  select authid.rolname as name, authid.rolpassword as hash
  from pg_catalog.pg_authid as authid
  join wanted on wanted.oid = authid.oid
  where authid.rolpassword is not null
`;

/**
 * Reads the roles that belong to the databases, in one snapshot of the session's transaction if it is in one.
 * @param source a session in any database of the source
 */
export async function readSourceRoles(source: pg.ClientBase, databases: readonly string[]): Promise<SourceRoles> {
  const roles = z.array(Role).parse((await source.query(readRoles, [databases])).rows);
  const memberships = z.array(Membership).parse((await source.query(readMemberships, [databases])).rows);
  const [privilege] = (await source.query<{ allowed: boolean }>(mayReadHashes)).rows;
  if (privilege?.allowed !== true) return { roles, memberships, hashes: undefined };
  const { rows: hashes } = await source.query<{ name: string; hash: string }>(readHashes, [databases]);
  return { roles, memberships, hashes: new Map(hashes.map(({ name, hash }) => [name, hash])) };
}

/** Those of the named roles that the server has, as it has them. */
export async function readRolesNamed(server: pg.ClientBase, names: readonly string[]): Promise<Role[]> {
  return z.array(Role).parse((await server.query(readNamed, [names])).rows);
}
