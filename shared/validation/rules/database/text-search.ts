import { ofNoExtension } from "../../../postgres/user-objects.js";
import type { DatabaseRule } from "../../rule.js";
import { findSuperuserOnly } from "../../superuser-only.js";

const parsersAndTemplates = `
  select
    'parser ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(p.prsname) as name,
    'DROP TEXT SEARCH PARSER ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(p.prsname) || ';' as removal
  from pg_catalog.pg_ts_parser as p
  join pg_catalog.pg_namespace as n on n.oid = p.prsnamespace
  where n.nspname <> 'pg_catalog'
    and ${ofNoExtension("pg_ts_parser", "p.oid")}
  union all
  select
    'template ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.tmplname),
    'DROP TEXT SEARCH TEMPLATE ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.tmplname) || ';'
  from pg_catalog.pg_ts_template as t
  join pg_catalog.pg_namespace as n on n.oid = t.tmplnamespace
  where n.nspname <> 'pg_catalog'
    and ${ofNoExtension("pg_ts_template", "t.oid")}
  order by 1
`;

export const rule: DatabaseRule = {
  id: "text-search",
  title: "No text search parser or template is defined by the user",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "Build the configurations on PostgreSQL's own parser and templates, or migrate as a superuser of the target.",
  async check(context) {
    return await findSuperuserOnly(context, {
      one: "text search",
      several: "text search parsers and templates",
      query: parsersAndTemplates,
      instead: "Build the text search configurations and dictionaries on PostgreSQL's own.",
    });
  },
};
