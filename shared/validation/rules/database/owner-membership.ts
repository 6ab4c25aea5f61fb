import { quoteIdentifier } from "../../../postgres/identifiers.js";
import { displayName } from "../../../schema/display-name.js";
import { runOn } from "../../corrective-action.js";
import { named } from "../../named.js";
import type { DatabaseRule } from "../../rule.js";
import { isSuperuser } from "../../superuser-only.js";

// Those of extensions too: who creates an extension owns it. The superuser that initdb made is in no pg_shdepend.
const owners = `
  select distinct r.rolname as role
  from pg_catalog.pg_shdepend as s
  join pg_catalog.pg_roles as r on r.oid = s.refobjid
  where s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
    and s.deptype = 'o'
    and r.oid >= 16384
    and (
      s.dbid = (select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database())
      or (
        s.classid = 'pg_catalog.pg_database'::pg_catalog.regclass
        and s.objid = (select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database())
      )
    )
  order by r.rolname
`;

/** ALTER … OWNER TO is for those who may SET ROLE to the new owner (PostgreSQL docs); memberships without it came with 16. */
const notSettable = `
  select r.rolname as role
  from pg_catalog.pg_roles as r
  where r.rolname = any ($1::text[])
    and not pg_catalog.pg_has_role(r.oid, $2)
  order by r.rolname
`;

export const rule: DatabaseRule = {
  id: "owner-membership",
  title: "The target's user may give objects to their owners",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "`GRANT` the owners to the target's user, on the target.",
  async check({ source, target, targetVersion, spec }) {
    if (await isSuperuser(target)) return [];
    const { rows: used } = await source.query<{ role: string }>(owners);
    if (used.length === 0) return [];
    const { rows } = await target.query<{ role: string }>(notSettable, [
      used.map(({ role }) => role),
      targetVersion >= 160_000 ? "set" : "member",
    ]);
    if (rows.length === 0) return [];
    const user = quoteIdentifier(spec.target.user);
    return [
      {
        state: "Warning",
        message:
          `${named(
            "role",
            "roles",
            rows.map(({ role }) => displayName(role)),
          )}: owns objects in the database, and ${spec.target.user} is no member on the target, or one that may not SET ROLE to it. The objects would stay ` +
          `${spec.target.user}'s, and the migration's statements list what is left to do.${runOn(
            "target",
            rows.map(
              ({ role }) =>
                `GRANT ${quoteIdentifier(role)} TO ${user}${targetVersion >= 160_000 ? " WITH SET TRUE" : ""};`,
            ),
          )}`,
      },
    ];
  },
};
