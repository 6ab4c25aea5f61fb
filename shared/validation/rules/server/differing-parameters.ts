/** Server parameters that change what statements do or answer, and that differ between the two servers. */
import type pg from "pg";
import { quoteIdentifier, quoteLiteral } from "../../../postgres/identifiers.js";
import { runOn } from "../../corrective-action.js";
import type { RuleFinding, ServerRule } from "../../rule.js";

/** PostgreSQL docs, "Client Connection Defaults", "Version and Platform Compatibility", "Preset Options" and "Resource Consumption". */
const behavioural = [
  "array_nulls",
  "backslash_quote",
  "bytea_output",
  "check_function_bodies",
  "datestyle",
  "default_text_search_config",
  "default_transaction_deferrable",
  "default_transaction_isolation",
  "default_with_oids",
  "escape_string_warning",
  "extra_float_digits",
  "idle_in_transaction_session_timeout",
  "idle_session_timeout",
  "intervalstyle",
  "lc_messages",
  "lc_monetary",
  "lc_numeric",
  "lc_time",
  "lo_compat_privileges",
  "lock_timeout",
  "max_prepared_transactions",
  "quote_all_identifiers",
  "row_security",
  "search_path",
  "session_preload_libraries",
  "session_replication_role",
  "standard_conforming_strings",
  "statement_timeout",
  "synchronize_seqscans",
  "timezone",
  "timezone_abbreviations",
  "track_commit_timestamp",
  "transaction_timeout",
  "transform_null_equals",
  "xmlbinary",
  "xmloption",
];

/** Presets: they can only be chosen when a server is built or its cluster made. */
const preset = ["block_size", "integer_datetimes", "max_identifier_length", "max_index_keys", "max_function_args"];

/**
 * reset_val is what a new session has. What ALTER ROLE or ALTER DATABASE set for our own session is left out: it travels with the database, or is
 * ours alone.
 */
const parameters = `
  select lower(known.name) as name, known.reset_val as value, known.unit, known.context
  from pg_catalog.pg_settings as known
  where lower(known.name) = any ($1)
    and not exists (
      select
      from pg_catalog.pg_db_role_setting as own
      cross join lateral unnest(own.setconfig) as setting
      where own.setdatabase in (0, (select oid from pg_catalog.pg_database where datname = current_database()))
        and own.setrole in (0, (select oid from pg_catalog.pg_roles where rolname = current_user))
        and lower(split_part(setting, '=', 1)) = lower(known.name)
    )
  order by lower(known.name)
`;

interface Parameter {
  name: string;
  value: string | null;
  unit: string | null;
  context: string;
}

export const rule: ServerRule = {
  id: "differing-parameters",
  title: "Server parameters that change behaviour are the same on both",
  scope: "server",
  modes: ["Offline", "Online"],
  remedy: "Set the parameter on the target as it is on the source, or accept the difference.",
  check: async ({ source, target }) => {
    const [onSource, onTarget] = await Promise.all([read(source), read(target)]);
    return onSource.flatMap((parameter) => {
      const other = onTarget.find(({ name }) => name === parameter.name);
      return other === undefined || other.value === parameter.value ? [] : [difference(parameter, other)];
    });
  },
};

async function read(session: pg.Client): Promise<Parameter[]> {
  return (await session.query<Parameter>(parameters, [[...behavioural, ...preset]])).rows;
}

function difference(source: Parameter, target: Parameter): RuleFinding {
  const differs = `${source.name} is ${shown(source)} on the source and ${shown(target)} on the target`;
  if (target.context === "internal") {
    return {
      state: "Warning",
      message: `${differs}. It cannot be changed on an existing server: choose a target made with the same, or accept it.`,
    };
  }
  const value = settingValue(source);
  const restart = target.context === "postmaster" ? ", and restart it" : "";
  return {
    state: "Warning",
    message:
      `${differs}. Set the server parameter on the target${restart}, or accept the difference.` +
      runOn("target", [`ALTER SYSTEM SET ${quoteIdentifier(source.name)} = ${value};`, "SELECT pg_reload_conf();"]),
  };
}

/** Lists of names, whose value is SQL already: a literal would be one name with commas in it (guc.h, GUC_LIST_QUOTE). */
const listsOfNames = ["search_path", "session_preload_libraries"];

function settingValue({ name, value, unit }: Parameter): string {
  if (value === null || value === "") return "''";
  return listsOfNames.includes(name) ? value : quoteLiteral(`${value}${unit ?? ""}`);
}

function shown({ value, unit }: Parameter): string {
  return value === null || value === "" ? "empty" : `${value}${unit ?? ""}`;
}
