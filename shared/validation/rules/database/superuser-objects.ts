import { ofNoExtension, userSchema } from "../../../postgres/user-objects.js";
import type { DatabaseRule } from "../../rule.js";
import { findSuperuserOnly } from "../../superuser-only.js";

// An operator class brings a family of its own name along, which goes with it.
const superuserObjects = `
  select
    'operator family ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(f.opfname) as name,
    'DROP OPERATOR FAMILY ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(f.opfname) ||
      ' USING ' || pg_catalog.quote_ident(m.amname) || ';' as removal
  from pg_catalog.pg_opfamily as f
  join pg_catalog.pg_namespace as n on n.oid = f.opfnamespace
  join pg_catalog.pg_am as m on m.oid = f.opfmethod
  where ${userSchema("n")}
    and not exists (
      select
      from pg_catalog.pg_opclass as c
      where c.opcfamily = f.oid
    )
    and ${ofNoExtension("pg_opfamily", "f.oid")}
  union all
  select
    'operator class ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.opcname),
    'DROP OPERATOR FAMILY ' || pg_catalog.quote_ident(fn.nspname) || '.' || pg_catalog.quote_ident(f.opfname) ||
      ' USING ' || pg_catalog.quote_ident(m.amname) || ';'
  from pg_catalog.pg_opclass as c
  join pg_catalog.pg_namespace as n on n.oid = c.opcnamespace
  join pg_catalog.pg_am as m on m.oid = c.opcmethod
  join pg_catalog.pg_opfamily as f on f.oid = c.opcfamily
  join pg_catalog.pg_namespace as fn on fn.oid = f.opfnamespace
  where ${userSchema("n")}
    and ${ofNoExtension("pg_opclass", "c.oid")}
  union all
  select
    'access method ' || pg_catalog.quote_ident(m.amname),
    'DROP ACCESS METHOD ' || pg_catalog.quote_ident(m.amname) || ';'
  from pg_catalog.pg_am as m
  where m.oid >= 16384
    and ${ofNoExtension("pg_am", "m.oid")}
  union all
  select
    'foreign-data wrapper ' || pg_catalog.quote_ident(w.fdwname),
    'DROP FOREIGN DATA WRAPPER ' || pg_catalog.quote_ident(w.fdwname) || ';'
  from pg_catalog.pg_foreign_data_wrapper as w
  where ${ofNoExtension("pg_foreign_data_wrapper", "w.oid")}
  union all
  select
    'leakproof function ' || p.oid::pg_catalog.regprocedure,
    'ALTER FUNCTION ' || p.oid::pg_catalog.regprocedure || ' NOT LEAKPROOF;'
  from pg_catalog.pg_proc as p
  join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
  where p.proleakproof
    and ${userSchema("n")}
    and ${ofNoExtension("pg_proc", "p.oid")}
  order by 1
`;

export const rule: DatabaseRule = {
  id: "superuser-objects",
  title: "No operator class, access method, foreign-data wrapper or leakproof function is defined by the user",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "Use what an extension brings instead, or migrate as a superuser of the target.",
  async check(context) {
    return await findSuperuserOnly(context, {
      one: "object",
      several: "objects",
      query: superuserObjects,
      instead: "Use what PostgreSQL or an extension brings.",
    });
  },
};
