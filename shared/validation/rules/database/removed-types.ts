import { ofNoExtension, userSchema } from "../../../postgres/user-objects.js";
import { changeType, columnsOfTypes, displayColumn } from "../../columns-of-types.js";
import { runOn } from "../../corrective-action.js";
import { named } from "../../named.js";
import type { DatabaseRule, RuleFinding } from "../../rule.js";

/** Types that a source of 10 can have and a later target has not, and what takes their place. "unknown" comes from before 10. */
const successors = new Map<string, { readonly type: string; readonly via?: string }>([
  ["abstime", { type: "timestamptz" }],
  ["reltime", { type: "interval" }],
  ["tinterval", { type: "text" }],
  ["unknown", { type: "text" }],
]);

// An argument or result of type unknown is still allowed to functions in C.
const functionsOfRemovedTypes = `
  select
    p.oid::pg_catalog.regprocedure::text as name,
    'DROP FUNCTION ' || p.oid::pg_catalog.regprocedure || ';' as removal
  from pg_catalog.pg_proc as p
  join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
  where ${userSchema("n")}
    and exists (
      select
      from pg_catalog.pg_type as t
      where t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace
        and t.typname in ('abstime', 'reltime', 'tinterval')
        and (t.oid = p.prorettype or t.oid = any (p.proargtypes))
    )
    and ${ofNoExtension("pg_proc", "p.oid")}
  order by 1
`;

export const rule: DatabaseRule = {
  id: "removed-types",
  title: "No column or function uses a type that PostgreSQL has removed",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy:
    "Change the columns: `abstime` to `timestamptz`, `reltime` to `interval`, `tinterval` and `unknown` to `text`.",
  async check({ source }) {
    const findings: RuleFinding[] = [];
    const columns = await columnsOfTypes(source, [...successors.keys()], ["r", "p", "m", "v", "f", "c"]);
    if (columns.length > 0) {
      const statements = columns.flatMap((column) => {
        const { type } = successors.get(column.type) ?? { type: "text" };
        return changeType(column, type, column.type === "unknown" ? "::text" : "") ?? [];
      });
      findings.push({
        state: "Failed",
        message:
          `${named("column", "columns", columns.map(displayColumn))}: of a type that PostgreSQL has removed, so the target cannot create it. ` +
          `Change tables, then create views, domains and composite types anew.${runOn("source", statements)}`,
      });
    }
    const { rows: functions } = await source.query<{ name: string; removal: string }>(functionsOfRemovedTypes);
    if (functions.length > 0) {
      const names = functions.map(({ name }) => name);
      findings.push({
        state: "Failed",
        message:
          `${named("function", "functions", names)}: with an argument or result of a type that PostgreSQL has removed. ` +
          `Create it anew with another type, and drop this one.${runOn(
            "source",
            functions.map(({ removal }) => removal),
          )}`,
      });
    }
    return findings;
  },
};
