/**
 * A function that names others without their schema works where the search_path has them, and fails under the empty one
 * that every dump is restored with (CVE-2018-1058). The remedy is a search_path of the function's own.
 */
import type pg from "pg";
import { quoteIdentifier } from "../postgres/identifiers.js";

/** "PL/pgSQL function public.slug(text) line 1 at RETURN", and: SQL function "enc" during inlining. */
const functionInContext = /\bfunction "?((?:"(?:[^"]|"")*"|[^"(\s])+)"?/;
const missingName = /^(?:function|relation|type|operator|operator does not exist:) "?((?:"(?:[^"]|"")*"|[^"(\s])+)/;

const unsetFunctions = `
  select p.oid::pg_catalog.regprocedure::text as name, to_jsonb(p) ->> 'prokind' = 'p' as procedure
  from pg_catalog.pg_proc as p
  join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
  where n.nspname !~ '^pg_'
    and n.nspname <> 'information_schema'
    and (
      pg_catalog.format('%I.%I', n.nspname, p.proname) = $1
      or p.proname = $1
    )
    and not coalesce(p.proconfig::text like '%search_path=%', false)
  order by 1
`;

const schemasWith = `
  select n.nspname as schema
  from pg_catalog.pg_namespace as n
  where n.nspname !~ '^pg_'
    and n.nspname <> 'information_schema'
    and (
      exists (select from pg_catalog.pg_proc as p where p.pronamespace = n.oid and p.proname = $1)
      or exists (select from pg_catalog.pg_class as c where c.relnamespace = n.oid and c.relname = $1)
      or exists (select from pg_catalog.pg_type as t where t.typnamespace = n.oid and t.typname = $1)
    )
  order by n.nspname
`;

/** The statements that give the functions a search_path in which what they name is found; undefined for another error. */
export async function explainUnqualifiedName(
  target: pg.ClientBase,
  { code, message, where }: pg.DatabaseError,
): Promise<string | undefined> {
  if (code !== "42883" && code !== "42P01" && code !== "42704") return undefined;
  const caller = functionInContext.exec(where ?? "")?.[1];
  const missing = missingName.exec(message)?.[1]?.replaceAll('"', "");
  if (caller === undefined || missing === undefined || missing.includes(".")) return undefined;
  const { rows: functions } = await target.query<{ name: string; procedure: boolean }>(unsetFunctions, [caller]);
  const { rows: schemas } = await target.query<{ schema: string }>(schemasWith, [missing]);
  if (functions.length === 0 || schemas.length === 0) return undefined;
  const path = schemas.map(({ schema }) => quoteIdentifier(schema)).join(", ");
  const statements = functions.map(
    ({ name, procedure }) => `ALTER ${procedure ? "PROCEDURE" : "FUNCTION"} ${name} SET search_path = ${path};`,
  );
  return `It calls a function that names ${missing} without its schema. Run on the target: ${statements.join(" ")}`;
}
