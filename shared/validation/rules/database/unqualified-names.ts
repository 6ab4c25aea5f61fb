import { quoteIdentifier } from "../../../postgres/identifiers.js";
import { ofNoExtension, userSchema } from "../../../postgres/user-objects.js";
import { runOn } from "../../corrective-action.js";
import { named } from "../../named.js";
import type { DatabaseRule } from "../../rule.js";

// What is evaluated while a dump is restored: checks, generated columns, indexes, and materialized views. A body that the server keeps parsed (from 14
// on, BEGIN ATOMIC) names its objects by their OIDs: its text is empty here. pg_attribute.attgenerated came with 12.
const functionsEvaluated = `
  select distinct
    p.oid::pg_catalog.regprocedure::text as name,
    p.prosrc as body
  from pg_catalog.pg_depend as d
  join pg_catalog.pg_proc as p on p.oid = d.refobjid
  join pg_catalog.pg_language as l on l.oid = p.prolang and l.lanname in ('sql', 'plpgsql')
  join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
  where d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
    and ${userSchema("n")}
    and ${ofNoExtension("pg_proc", "p.oid")}
    and not coalesce(p.proconfig::text like '%search_path=%', false)
    and (
      d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
      or (
        d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
        and exists (select from pg_catalog.pg_class as i where i.oid = d.objid and i.relkind in ('i', 'I'))
      )
      or (
        d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass
        and exists (
          select
          from pg_catalog.pg_attrdef as e
          join pg_catalog.pg_attribute as a on a.attrelid = e.adrelid and a.attnum = e.adnum
          where e.oid = d.objid
            and coalesce(to_jsonb(a) ->> 'attgenerated', '') <> ''
        )
      )
      or (
        d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
        and exists (
          select
          from pg_catalog.pg_rewrite as w
          join pg_catalog.pg_class as v on v.oid = w.ev_class
          where w.oid = d.objid
            and v.relkind = 'm'
        )
      )
    )
  order by 1
`;

/** Every name outside pg_catalog that a body may mean, unless pg_catalog has it too. */
const namesOfUsers = `
  select p.proname as name, 'function' as kind, n.nspname as schema
  from pg_catalog.pg_proc as p
  join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
  where ${userSchema("n")}
    and not exists (
      select
      from pg_catalog.pg_proc as b
      where b.pronamespace = 'pg_catalog'::pg_catalog.regnamespace
        and b.proname = p.proname
    )
  union
  select c.relname, 'relation', n.nspname
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'f')
    and ${userSchema("n")}
  order by 1, 3
`;

interface UserName {
  readonly name: string;
  readonly kind: "function" | "relation";
  readonly schema: string;
}

export const rule: DatabaseRule = {
  id: "unqualified-names",
  title: "Functions that checks, generated columns, indexes and materialized views call name others with their schema",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "`ALTER FUNCTION … SET search_path`: a restore runs with an empty one.",
  async check({ source }) {
    const { rows: functions } = await source.query<{ name: string; body: string | null }>(functionsEvaluated);
    if (functions.length === 0) return [];
    const { rows: known } = await source.query<UserName>(namesOfUsers);
    const found = functions.flatMap(({ name, body }) => {
      const missing = unqualified(body ?? "", known);
      return missing.length === 0 ? [] : [{ name, missing }];
    });
    if (found.length === 0) return [];
    const names = found.map(({ name, missing }) => `${name} (${missing.map((one) => one.name).join(", ")})`);
    const statements = found.map(({ name, missing }) => {
      const path = [...new Set(missing.map(({ schema }) => quoteIdentifier(schema)))].join(", ");
      return `ALTER FUNCTION ${name} SET search_path = ${path};`;
    });
    return [
      {
        state: "Warning",
        message:
          `${named("function", "functions", names)}: seems to name what is in brackets without its schema, and is called by a check, a generated column, an index or ` +
          "a materialized view. These are restored with an empty search_path, under which it would fail: what needs it would be refused, and " +
          `listed to be tried again. Give it a search_path of its own.${runOn("source", statements)}`,
      },
    ];
  },
};

/** A body is text: what looks like a call, or follows a word that a relation follows, without a schema before it. */
function unqualified(body: string, known: readonly UserName[]): UserName[] {
  const text = body
    .replaceAll(/--[^\n]*/g, " ")
    .replaceAll(/\/\*[\s\S]*?\*\//g, " ")
    .replaceAll(/'(?:[^']|'')*'/g, "''");
  const called = new Set(
    [...text.matchAll(/(?<![.\w$"])("(?:[^"]|"")+"|[a-z_][\w$]*)\s*\(/gi)].map(([, name]) => folded(name)),
  );
  const read = new Set(
    [...text.matchAll(/\b(?:from|join|into|update|only)\s+("(?:[^"]|"")+"|[a-z_][\w$]*)(?![\w$])(?!\s*[.(])/gi)].map(
      ([, name]) => folded(name),
    ),
  );
  return known.filter(({ name, kind }) => (kind === "function" ? called : read).has(name));
}

/** The name that is meant: without quotes in lower case. */
function folded(word = ""): string {
  return word.startsWith('"') ? word.slice(1, -1).replaceAll('""', '"') : word.toLowerCase();
}
