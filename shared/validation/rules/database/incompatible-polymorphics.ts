import { ofNoExtension } from "../../../postgres/user-objects.js";
import { runOn } from "../../corrective-action.js";
import { named } from "../../named.js";
import type { DatabaseRule } from "../../rule.js";

/**
 * As pg_upgrade's check_for_incompatible_polymorphics: functions of arrays that took anyarray and anyelement before 14 and
 * take anycompatiblearray and anycompatible since, and what of the user's is built on them.
 */
const incompatiblePolymorphics = `
  with changed as (
    select p.oid
    from pg_catalog.pg_proc as p
    where p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace
      and p.proname in (
        'array_append', 'array_cat', 'array_prepend', 'array_remove', 'array_replace',
        'array_position', 'array_positions', 'width_bucket'
      )
      and 'anyarray'::pg_catalog.regtype = any (p.proargtypes)
  )
  select 'AGGREGATE' as kind, a.aggfnoid::pg_catalog.regprocedure::text as name
  from pg_catalog.pg_aggregate as a
  where a.aggfnoid >= 16384
    and a.aggtranstype in ('anyarray'::pg_catalog.regtype, 'anyelement'::pg_catalog.regtype)
    and exists (
      select
      from changed
      where changed.oid in (a.aggtransfn, a.aggfinalfn)
    )
    and not exists (
      select
      from pg_catalog.pg_depend as membership
      where membership.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
        and membership.objid = a.aggfnoid
        and membership.deptype = 'e'
    )
  union all
  select 'OPERATOR', o.oid::pg_catalog.regoperator::text
  from pg_catalog.pg_operator as o
  where o.oid >= 16384
    and o.oprleft in ('anyarray'::pg_catalog.regtype, 'anyelement'::pg_catalog.regtype)
    and exists (
      select
      from changed
      where changed.oid = o.oprcode
    )
    and ${ofNoExtension("pg_operator", "o.oid")}
  order by 1, 2
`;

/** The first version with the new signatures. */
const changedSince = 140_000;

export const rule: DatabaseRule = {
  id: "incompatible-polymorphics",
  title: "No aggregate or operator is built on array functions whose signature PostgreSQL 14 changed",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "Drop it on the source, and create it on the target with `anycompatiblearray` and `anycompatible`.",
  async check({ source, sourceVersion, targetVersion }) {
    if (sourceVersion >= changedSince || targetVersion < changedSince) return [];
    const { rows } = await source.query<{ kind: string; name: string }>(incompatiblePolymorphics);
    if (rows.length === 0) return [];
    const names = rows.map(({ kind, name }) => `${kind.toLowerCase()} ${name}`);
    return [
      {
        state: "Failed",
        message:
          `${named("user-defined", "user-defined aggregates and operators", names)}: built on a function of arrays that takes anycompatiblearray ` +
          "and anycompatible since PostgreSQL 14. Drop it on the source, and create it with these types on the target after the migration." +
          runOn(
            "source",
            rows.map(({ kind, name }) => `DROP ${kind} ${name};`),
          ),
      },
    ];
  },
};
