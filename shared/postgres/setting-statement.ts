/** Settings of databases and roles as SQL: `set name to value`, with the values as pg_db_role_setting keeps them. */
import { quoteIdentifier, quoteLiteral } from "./identifiers.js";

/** Settings whose value is a list of names, each quoted by itself (guc_tables.c, GUC_LIST_QUOTE). */
const nameLists: ReadonlySet<string> = new Set([
  "local_preload_libraries",
  "search_path",
  "session_preload_libraries",
  "shared_preload_libraries",
  "temp_tablespaces",
  "unix_socket_directories",
]);

/** The end of an ALTER DATABASE or ALTER ROLE statement that gives the setting that value. */
export function setClause(name: string, value: string): string {
  return `set ${settingName(name)} to ${settingValue(name, value)}`;
}

/** A custom setting has a qualified name, "app.user"; each part is a name of its own. */
export function settingName(name: string): string {
  return name.split(".").map(quoteIdentifier).join(".");
}

export function settingValue(name: string, value: string): string {
  if (!nameLists.has(name.toLowerCase())) return quoteLiteral(value);
  const names = [...value.matchAll(/\s*(?:"((?:[^"]|"")*)"|([^,]*))(?:,|$)/g)].flatMap((match) => {
    const [whole, quoted, plain] = match;
    if (whole === "") return [];
    return [quoted === undefined ? (plain ?? "").trim() : quoted.replaceAll('""', '"')];
  });
  return names.length === 0 ? "''" : names.map(quoteLiteral).join(", ");
}
