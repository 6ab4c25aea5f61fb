import { ofNoExtension, userSchema } from "../../../postgres/user-objects.js";
import type { DatabaseRule } from "../../rule.js";
import { findSuperuserOnly } from "../../superuser-only.js";

// A base type and its input and output functions hold each other, so dropping it takes CASCADE, which would take columns along: no statement then.
// A shell type ('p', not defined) is one that was begun and never finished.
const baseTypes = `
  select
    t.oid::pg_catalog.regtype::text as name,
    case
      when not exists (
        select
        from pg_catalog.pg_attribute as a
        where a.atttypid in (t.oid, t.typarray)
          and not a.attisdropped
      )
      then 'DROP TYPE ' || t.oid::pg_catalog.regtype || ' CASCADE;'
    end as removal
  from pg_catalog.pg_type as t
  join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
  where (t.typtype = 'b' or (t.typtype = 'p' and not t.typisdefined))
    and not exists (
      select
      from pg_catalog.pg_type as element
      where element.typarray = t.oid
    )
    and ${userSchema("n")}
    and ${ofNoExtension("pg_type", "t.oid")}
  order by 1
`;

export const rule: DatabaseRule = {
  id: "base-types",
  title: "No base type is defined by the user",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "Give the columns a built-in type, a domain or a composite type, or migrate as a superuser of the target.",
  async check(context) {
    return await findSuperuserOnly(context, {
      one: "base type",
      several: "base types",
      query: baseTypes,
      instead: "Give columns of it a built-in type, a domain or a composite type.",
    });
  },
};
