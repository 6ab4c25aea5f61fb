import { quoteLiteral } from "../../../postgres/identifiers.js";
import { ofNoExtension, userSchema } from "../../../postgres/user-objects.js";
import { runOn } from "../../corrective-action.js";
import { loadFailure } from "../../load-library.js";
import { named } from "../../named.js";
import type { DatabaseRule, RuleFinding } from "../../rule.js";
import { isSuperuser } from "../../superuser-only.js";

// pg_proc.prokind, and procedures, came with 11.
const functionsOfLibraries = `
  select
    p.probin as library,
    pg_catalog.array_agg(p.oid::pg_catalog.regprocedure::text order by p.oid::pg_catalog.regprocedure::text) as functions,
    pg_catalog.array_agg(
      case to_jsonb(p) ->> 'prokind' when 'p' then 'DROP PROCEDURE ' else 'DROP FUNCTION ' end || p.oid::pg_catalog.regprocedure || ';'
      order by p.oid::pg_catalog.regprocedure::text
    ) as removals
  from pg_catalog.pg_proc as p
  join pg_catalog.pg_language as l on l.oid = p.prolang
  join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
  where l.lanname = 'c'
    and p.probin is not null
    and ${userSchema("n")}
    and ${ofNoExtension("pg_proc", "p.oid")}
  group by p.probin
  order by p.probin
`;

export const rule: DatabaseRule = {
  id: "function-libraries",
  title: "The target can load the libraries of functions in C",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "Install the library on the target, or drop the functions on the source if nothing calls them any more.",
  /** Whoever is no superuser may create no such function at all: rule untrusted-languages tells of it. */
  async check({ source, target }) {
    const { rows } = await source.query<{ library: string; functions: string[]; removals: string[] }>(
      functionsOfLibraries,
    );
    if (rows.length === 0 || !(await isSuperuser(target))) return [];
    const findings: RuleFinding[] = [];
    for (const { library, functions, removals } of rows) {
      const failure = await loadFailure(target, library);
      if (failure === undefined) continue;
      findings.push({
        state: "Failed",
        message:
          `${named("function", "functions", functions)}: in C, of library ${quoteLiteral(library)}, which the target cannot load (${failure.message}). ` +
          "They and what depends on them would be refused there. Install the library on the target; or, if nothing calls them any more, drop them." +
          runOn("source", removals),
      });
    }
    return findings;
  },
};
