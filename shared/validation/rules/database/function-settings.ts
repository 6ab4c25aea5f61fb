import { quoteIdentifier } from "../../../postgres/identifiers.js";
import { ofNoExtension, userSchema } from "../../../postgres/user-objects.js";
import { runOn } from "../../corrective-action.js";
import { named } from "../../named.js";
import type { DatabaseRule } from "../../rule.js";
import { isSuperuser } from "../../superuser-only.js";

// pg_proc.prokind, and procedures, came with 11.
const functionsWithSettings = `
  select
    case to_jsonb(p) ->> 'prokind' when 'p' then 'PROCEDURE ' else 'FUNCTION ' end || p.oid::pg_catalog.regprocedure as name,
    pg_catalog.split_part(setting, '=', 1) as setting
  from pg_catalog.pg_proc as p
  join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
  cross join lateral pg_catalog.unnest(p.proconfig) as setting
  where p.proconfig is not null
    and ${userSchema("n")}
    and ${ofNoExtension("pg_proc", "p.oid")}
  order by 1, 2
`;

// GRANT SET ON PARAMETER came with 15; before, only superusers may set these.
const settingsOfSuperusers = `
  select s.name
  from pg_catalog.pg_settings as s
  where s.context = 'superuser'
    and s.name = any ($1::text[])
`;

const settableByUs = `
  select s.name
  from pg_catalog.unnest($1::text[]) as s (name)
  where pg_catalog.has_parameter_privilege(s.name, 'set')
`;

const parameterPrivilegesSince = 150_000;

export const rule: DatabaseRule = {
  id: "function-settings",
  title: "No function sets a parameter that only superusers may set",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "`ALTER FUNCTION … RESET`, or `GRANT SET ON PARAMETER` to the target's user.",
  async check({ source, target, targetVersion, spec }) {
    if (await isSuperuser(target)) return [];
    const { rows: functions } = await source.query<{ name: string; setting: string }>(functionsWithSettings);
    if (functions.length === 0) return [];
    const { rows: superusers } = await target.query<{ name: string }>(settingsOfSuperusers, [
      functions.map(({ setting }) => setting),
    ]);
    const forbidden = new Set(superusers.map(({ name }) => name));
    if (targetVersion >= parameterPrivilegesSince) {
      const { rows: granted } = await target.query<{ name: string }>(settableByUs, [[...forbidden]]);
      for (const { name } of granted) forbidden.delete(name);
    }
    const refused = functions.filter(({ setting }) => forbidden.has(setting));
    if (refused.length === 0) return [];
    const names = refused.map(({ name, setting }) => `${name.replace(/^[A-Z]+ /, "")} sets ${setting}`);
    return [
      {
        state: "Failed",
        message:
          `${named("function", "functions", names)}, which ${spec.target.user} may not set on the target, so it could not be created there. Leave the setting out, ` +
          `or let the target's operator GRANT SET ON PARAMETER.${runOn(
            "source",
            refused.map(({ name, setting }) => `ALTER ${name} RESET ${quoteIdentifier(setting)};`),
          )}`,
      },
    ];
  },
};
