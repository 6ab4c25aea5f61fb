import { quoteIdentifier } from "../../../postgres/identifiers.js";
import { serversOwnRoles } from "../../../roles/source-roles.js";
import { displayName } from "../../../schema/display-name.js";
import { runOn } from "../../corrective-action.js";
import { named } from "../../named.js";
import type { DatabaseRule } from "../../rule.js";

// Owners, grantees, and roles of policies and settings of this database: pg_shdepend knows them all, but not the superuser that initdb made, who is
// pinned. Those of whole extensions count too: their owner is who creates them.
const rolesUsed = `
  select r.rolname as role, r.rolcanlogin as login
  from pg_catalog.pg_roles as r
  where r.oid >= 16384
    and exists (
      select
      from pg_catalog.pg_shdepend as s
      where s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
        and s.refobjid = r.oid
        and (
          s.dbid = (select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database())
          or (
            s.classid = 'pg_catalog.pg_database'::pg_catalog.regclass
            and s.objid = (select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database())
          )
        )
    )
  order by r.rolname
`;

const rolesThere = `
  select r.rolname as role
  from pg_catalog.pg_roles as r
  where r.rolname = any ($1::text[])
`;

export const rule: DatabaseRule = {
  id: "missing-roles",
  title: "The target has the roles that own objects or hold privileges",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: '`migrateRoles: "True"`, or `CREATE ROLE` on the target before the migration.',
  async check({ source, target, spec }) {
    const { rows: used } = await source.query<{ role: string; login: boolean }>(rolesUsed);
    if (used.length === 0) return [];
    const { rows: there } = await target.query<{ role: string }>(rolesThere, [used.map(({ role }) => role)]);
    const known = new Set(there.map(({ role }) => role));
    const comes = (role: string) => spec.migrateRoles && !new RegExp(serversOwnRoles).test(role);
    const missing = used.filter(({ role }) => !known.has(role) && !comes(role));
    if (missing.length === 0) return [];
    return [
      {
        state: "Warning",
        message:
          `${named(
            "role",
            "roles",
            missing.map(({ role }) => displayName(role)),
          )}: owns objects or holds privileges in the database, and is not on the target. There ${spec.target.user} will own the objects, and the ` +
          `privileges are left out. To keep them, set migrateRoles to True, or create the role before the migration.${runOn(
            "target",
            missing.map(({ role, login }) => `CREATE ROLE ${quoteIdentifier(role)}${login ? " LOGIN" : ""};`),
          )}`,
      },
    ];
  },
};
