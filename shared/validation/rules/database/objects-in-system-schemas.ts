import { ofNoExtension } from "../../../postgres/user-objects.js";
import { runOn } from "../../corrective-action.js";
import { named } from "../../named.js";
import type { DatabaseRule } from "../../rule.js";

// pg_dump takes pg_catalog and information_schema for the server's own, whatever else is in them. A language's handlers belong there.
const strayObjects = `
  select
    'function ' || p.oid::pg_catalog.regprocedure as name,
    case to_jsonb(p) ->> 'prokind' when 'p' then 'ALTER PROCEDURE ' else 'ALTER FUNCTION ' end || p.oid::pg_catalog.regprocedure || ' SET SCHEMA public;' as move
  from pg_catalog.pg_proc as p
  join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
  where p.oid >= 16384
    and n.nspname in ('pg_catalog', 'information_schema')
    and not exists (
      select
      from pg_catalog.pg_language as l
      where p.oid in (l.lanplcallfoid, l.laninline, l.lanvalidator)
    )
    and not exists (
      select
      from pg_catalog.pg_aggregate as a
      where a.aggfnoid = p.oid
    )
    and ${ofNoExtension("pg_proc", "p.oid")}
  union all
  select
    'type ' || t.oid::pg_catalog.regtype,
    'ALTER TYPE ' || t.oid::pg_catalog.regtype || ' SET SCHEMA public;'
  from pg_catalog.pg_type as t
  join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
  where t.oid >= 16384
    and n.nspname in ('pg_catalog', 'information_schema')
    and t.typtype in ('d', 'e', 'r')
    and ${ofNoExtension("pg_type", "t.oid")}
  union all
  select
    case c.relkind when 'v' then 'view ' else 'table ' end || c.oid::pg_catalog.regclass,
    case c.relkind when 'v' then 'ALTER VIEW ' else 'ALTER TABLE ' end || c.oid::pg_catalog.regclass || ' SET SCHEMA public;'
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.oid >= 16384
    and n.nspname in ('pg_catalog', 'information_schema')
    and c.relkind in ('r', 'p', 'v')
    and ${ofNoExtension("pg_class", "c.oid")}
  order by 1
`;

export const rule: DatabaseRule = {
  id: "objects-in-system-schemas",
  title: "Nothing of the user's is in pg_catalog or information_schema",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "Move it into a schema of your own: `ALTER … SET SCHEMA`.",
  async check({ source }) {
    const { rows } = await source.query<{ name: string; move: string }>(strayObjects);
    if (rows.length === 0) return [];
    const names = rows.map(({ name }) => name);
    return [
      {
        state: "Failed",
        message:
          `${named("user's", "objects of the user's", names)}: in a schema of the system, which no dump carries over; what uses it could not be created on ` +
          `the target. Move it.${runOn(
            "source",
            rows.map(({ move }) => move),
          )}`,
      },
    ];
  },
};
