import { quoteIdentifier } from "../../../postgres/identifiers.js";
import { runOn } from "../../corrective-action.js";
import { named } from "../../named.js";
import type { DatabaseRule } from "../../rule.js";
import { isSuperuser } from "../../superuser-only.js";

// Of the system's schemas a dump carries privileges for pg_catalog only (pg_dump.c, selectDumpableNamespace). What initdb granted is in pg_init_privs, or is the kind's default where nothing was granted. Objects of extensions have OIDs above the system's.
const grantsOnSystemCatalogs = `
  with objects as (
    select
      case c.relkind when 'S' then 'SEQUENCE ' else 'TABLE ' end || 'pg_catalog.' || pg_catalog.quote_ident(c.relname) as object,
      ''::text as columns,
      c.relowner as owner,
      c.relacl as acl,
      coalesce(i.initprivs, pg_catalog.acldefault(case c.relkind when 'S' then 's' else 'r' end::"char", c.relowner)) as initial
    from pg_catalog.pg_class as c
    left join pg_catalog.pg_init_privs as i
      on i.objoid = c.oid
      and i.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
      and i.objsubid = 0
    where c.oid < 16384
      and c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace
      and c.relacl is not null
    union all
    select
      'TABLE pg_catalog.' || pg_catalog.quote_ident(c.relname),
      ' (' || pg_catalog.quote_ident(a.attname) || ')',
      c.relowner,
      a.attacl,
      coalesce(i.initprivs, pg_catalog.acldefault('c', c.relowner))
    from pg_catalog.pg_attribute as a
    join pg_catalog.pg_class as c on c.oid = a.attrelid
    left join pg_catalog.pg_init_privs as i
      on i.objoid = a.attrelid
      and i.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
      and i.objsubid = a.attnum
    where a.attrelid < 16384
      and c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace
      and a.attacl is not null
    union all
    select
      'FUNCTION pg_catalog.' || p.oid::pg_catalog.regprocedure,
      '',
      p.proowner,
      p.proacl,
      coalesce(i.initprivs, pg_catalog.acldefault('f', p.proowner))
    from pg_catalog.pg_proc as p
    left join pg_catalog.pg_init_privs as i
      on i.objoid = p.oid
      and i.classoid = 'pg_catalog.pg_proc'::pg_catalog.regclass
    where p.oid < 16384
      and p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace
      and p.proacl is not null
    union all
    select
      'SCHEMA ' || pg_catalog.quote_ident(n.nspname),
      '',
      n.nspowner,
      n.nspacl,
      coalesce(i.initprivs, pg_catalog.acldefault('n', n.nspowner))
    from pg_catalog.pg_namespace as n
    left join pg_catalog.pg_init_privs as i
      on i.objoid = n.oid
      and i.classoid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
    where n.nspname = 'pg_catalog'
      and n.nspacl is not null
  )
  select
    objects.object || objects.columns as name,
    objects.object,
    objects.columns,
    pg_catalog.string_agg(granted.privilege_type, ', ' order by granted.privilege_type) as privileges,
    case when granted.grantee = 0 then null else pg_catalog.pg_get_userbyid(granted.grantee) end as grantee
  from objects
  cross join lateral (
    select grantee, privilege_type
    from pg_catalog.aclexplode(objects.acl)
    except
    select grantee, privilege_type
    from pg_catalog.aclexplode(objects.initial)
  ) as granted
  where granted.grantee <> objects.owner
  group by objects.object, objects.columns, granted.grantee
  order by 1, granted.grantee
`;

interface SystemGrant {
  readonly name: string;
  readonly object: string;
  readonly columns: string;
  readonly privileges: string;
  /** null: everybody */
  readonly grantee: string | null;
}

export const rule: DatabaseRule = {
  id: "system-catalog-privileges",
  title: "No privileges are granted on system catalogs",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "`REVOKE` them on the source: a managed target lets nobody grant them.",
  async check({ source, target, spec }) {
    if (await isSuperuser(target)) return [];
    const { rows } = await source.query<SystemGrant>(grantsOnSystemCatalogs);
    if (rows.length === 0) return [];
    const names = rows.map(({ name, privileges, grantee }) => `${privileges} on ${name} to ${grantee ?? "PUBLIC"}`);
    const revokes = rows.map(({ object, columns, privileges, grantee }) => {
      const rights = privileges
        .split(", ")
        .map((privilege) => `${privilege}${columns}`)
        .join(", ");
      return `REVOKE ${rights} ON ${object} FROM ${grantee === null ? "PUBLIC" : quoteIdentifier(grantee)};`;
    });
    return [
      {
        state: "Failed",
        message:
          `${named("privilege", "privileges", names)}: granted on the system's own objects, which ${spec.target.user} may not do on the target. ` +
          `Give the role a predefined one such as pg_monitor or pg_read_all_settings there instead.${runOn("source", revokes)}`,
      },
    ];
  },
};
