import { ofNoExtension, userSchema } from "../../../postgres/user-objects.js";
import type { DatabaseRule } from "../../rule.js";
import { findSuperuserOnly } from "../../superuser-only.js";

// pg_proc.prokind, and procedures, came with 11. Aggregates count as functions in language internal, but anybody may create them. A language's own handlers are in pg_catalog.
const untrustedLanguagesAndFunctions = `
  select
    'language ' || pg_catalog.quote_ident(l.lanname) as name,
    'DROP LANGUAGE ' || pg_catalog.quote_ident(l.lanname) || ';' as removal
  from pg_catalog.pg_language as l
  where l.lanispl
    and not l.lanpltrusted
    and ${ofNoExtension("pg_language", "l.oid")}
  union all
  select
    'function ' || p.oid::pg_catalog.regprocedure || ' in ' || l.lanname,
    case to_jsonb(p) ->> 'prokind' when 'p' then 'DROP PROCEDURE ' else 'DROP FUNCTION ' end || p.oid::pg_catalog.regprocedure || ';'
  from pg_catalog.pg_proc as p
  join pg_catalog.pg_language as l on l.oid = p.prolang
  join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
  where not l.lanpltrusted
    and ${userSchema("n")}
    and not exists (
      select
      from pg_catalog.pg_aggregate as a
      where a.aggfnoid = p.oid
    )
    and ${ofNoExtension("pg_proc", "p.oid")}
  order by 1
`;

export const rule: DatabaseRule = {
  id: "untrusted-languages",
  title: "No function is written in a language that only superusers may use",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "Rewrite the functions in a trusted language such as PL/pgSQL, or migrate as a superuser of the target.",
  async check(context) {
    return await findSuperuserOnly(context, {
      one: "untrusted",
      several: "untrusted languages and functions in them",
      query: untrustedLanguagesAndFunctions,
      instead: "Rewrite the functions in a trusted language such as plpgsql.",
    });
  },
};
