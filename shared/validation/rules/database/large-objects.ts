import { quoteIdentifier } from "../../../postgres/identifiers.js";
import { runOn } from "../../corrective-action.js";
import { named } from "../../named.js";
import type { DatabaseRule, RuleFinding } from "../../rule.js";

const countLargeObjects = `
  select count(*)::integer as objects
  from pg_catalog.pg_largeobject_metadata
`;

// has_largeobject_privilege came with 18; this says the same.
const unreadableLargeObjects = `
  select m.oid::text as oid, current_user::text as user
  from pg_catalog.pg_largeobject_metadata as m
  where not exists (
      select
      from pg_catalog.pg_roles as r
      where r.rolname = current_user
        and r.rolsuper
    )
    and not pg_catalog.current_setting('lo_compat_privileges')::boolean
    and not pg_catalog.pg_has_role(m.lomowner, 'usage')
    and not exists (
      select
      from pg_catalog.aclexplode(m.lomacl) as granted
      where granted.privilege_type = 'SELECT'
        and case when granted.grantee = 0 then true else pg_catalog.pg_has_role(granted.grantee, 'usage') end
    )
  order by m.oid
`;

export const rule: DatabaseRule = {
  id: "large-objects",
  title: "No large objects, or none that could be lost",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy:
    "Remove orphans with `vacuumlo`; online, write no large objects until the cutover; grant the source's user `SELECT` on them.",
  async check({ source, spec }) {
    const { rows: counted } = await source.query<{ objects: number }>(countLargeObjects);
    const objects = counted[0]?.objects ?? 0;
    if (objects === 0) return [];
    const online =
      spec.mode === "Online"
        ? " Logical replication does not carry them: those created, changed or removed after the start are not on the target. Write none until the cutover, or migrate offline."
        : "";
    const findings: RuleFinding[] = [
      {
        state: "Warning",
        message:
          `${objects} large object${objects === 1 ? "" : "s"}: copied under the same numbers, with owners, privileges, comments and labels; that takes longer than rows do.${online} ` +
          "vacuumlo removes on the source those that no table refers to.",
      },
    ];
    const { rows: unreadable } = await source.query<{ oid: string; user: string }>(unreadableLargeObjects);
    const [first] = unreadable;
    if (first !== undefined) {
      const oids = unreadable.map(({ oid }) => oid);
      const user = quoteIdentifier(first.user);
      findings.push({
        state: "Failed",
        message:
          `${named("large object", "large objects", oids)}: ${first.user} may not read it.` +
          runOn(
            "source",
            oids.map((oid) => `GRANT SELECT ON LARGE OBJECT ${oid} TO ${user};`),
          ),
      });
    }
    return findings;
  },
};
