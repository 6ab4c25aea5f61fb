import { quoteIdentifier, quoteLiteral } from "../../../postgres/identifiers.js";
import { runOn } from "../../corrective-action.js";
import { installedExtensions, listSetting } from "../../extensions.js";
import { named } from "../../named.js";
import type { DatabaseRule } from "../../rule.js";

/** Extensions that cannot be created, or do nothing but fail, unless the server has loaded their library at its start; and that library. */
const preloadedLibraries: ReadonlyMap<string, string> = new Map([
  ["age", "age"],
  ["anon", "anon"],
  ["azure_storage", "azure_storage"],
  ["citus", "citus"],
  ["credcheck", "credcheck"],
  ["documentdb_core", "pg_documentdb_core"],
  ["login_hook", "login_hook"],
  ["pg_cron", "pg_cron"],
  ["pg_duckdb", "pg_duckdb"],
  ["pg_failover_slots", "pg_failover_slots"],
  ["pg_net", "pg_net"],
  ["pg_qualstats", "pg_qualstats"],
  ["pg_squeeze", "pg_squeeze"],
  ["pg_stat_kcache", "pg_stat_kcache"],
  ["pg_stat_monitor", "pg_stat_monitor"],
  ["pg_stat_statements", "pg_stat_statements"],
  ["pg_tle", "pg_tle"],
  ["pg_wait_sampling", "pg_wait_sampling"],
  ["pgactive", "pgactive"],
  ["pgaudit", "pgaudit"],
  ["pglogical", "pglogical"],
  ["pgsodium", "pgsodium"],
  ["plrust", "plrust"],
  ["set_user", "set_user"],
  ["timescaledb", "timescaledb"],
]);

// The setting itself answers with an error to those who may not see it; this tells beforehand.
const visibility = `
  select
    current_user::text as user,
    r.rolsuper or pg_catalog.pg_has_role('pg_read_all_settings', 'usage') as visible
  from pg_catalog.pg_roles as r
  where r.rolname = current_user
`;

export const rule: DatabaseRule = {
  id: "extensions-preload",
  title: "The target loads the libraries that the database's extensions need at server start",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "Add the library to the target's `shared_preload_libraries` and restart it.",
  async check({ source, target }) {
    const needing = (await installedExtensions(source))
      .map(({ name }) => name)
      .filter((name) => preloadedLibraries.has(name));
    if (needing.length === 0) return [];
    const { rows } = await target.query<{ user: string; visible: boolean }>(visibility);
    const [session] = rows;
    const subject = named("extension", "extensions", needing);
    if (session?.visible !== true) {
      const statement = `GRANT pg_read_all_settings TO ${quoteIdentifier(session?.user ?? "")};`;
      return [
        {
          state: "Warning",
          message:
            `${subject}: must be in the target's shared_preload_libraries, which ${session?.user} may not see there. ` +
            `Check it, or let the user see it.${runOn("target", [statement])}`,
        },
      ];
    }
    const loaded = (await listSetting(target, "shared_preload_libraries")) ?? [];
    const libraries = new Set(loaded.map((library) => library.replace(/^.*\//, "").replace(/\.\w+$/, "")));
    const missing = needing.filter((name) => !libraries.has(preloadedLibraries.get(name) ?? name));
    if (missing.length === 0) return [];
    const all = [...loaded, ...missing.map((name) => preloadedLibraries.get(name) ?? name)];
    // One literal a name: a single one with commas would be taken for one library.
    const statement = `ALTER SYSTEM SET shared_preload_libraries = ${all.map(quoteLiteral).join(", ")};`;
    return [
      {
        state: "Failed",
        message:
          `${named("extension", "extensions", missing)}: the target does not load its library at server start. ` +
          `Set the server parameter shared_preload_libraries to ${all.join(",")} and restart the target: on Azure with ` +
          `az postgres flexible-server parameter set, elsewhere in postgresql.conf or with SQL.${runOn("target", [statement])}`,
      },
    ];
  },
};
