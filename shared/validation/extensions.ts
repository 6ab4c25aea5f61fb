/** The extensions of a source database and those that a target offers. */
import type pg from "pg";

export interface InstalledExtension {
  readonly name: string;
  readonly version: string;
}

const installed = `
  select e.extname as name, e.extversion as version
  from pg_catalog.pg_extension as e
  order by e.extname
`;

export async function installedExtensions(source: pg.ClientBase): Promise<InstalledExtension[]> {
  const { rows } = await source.query<InstalledExtension>(installed);
  return rows;
}

export interface AvailableExtension {
  readonly name: string;
  /** What CREATE EXTENSION installs when it is not told a version, as in a dump. */
  readonly defaultVersion: string;
  /** CREATE EXTENSION needs a superuser: its script does and the extension is not trusted. */
  readonly superuserOnly: boolean;
}

// "trusted" came with 13.
const available = `
  select
    e.name,
    e.default_version as "defaultVersion",
    coalesce(v.superuser and not coalesce((to_jsonb(v) ->> 'trusted')::boolean, false), false) as "superuserOnly"
  from pg_catalog.pg_available_extensions as e
  left join pg_catalog.pg_available_extension_versions as v on v.name = e.name and v.version = e.default_version
`;

/** By name. */
export async function availableExtensions(target: pg.ClientBase): Promise<ReadonlyMap<string, AvailableExtension>> {
  const { rows } = await target.query<AvailableExtension>(available);
  return new Map(rows.map((extension) => [extension.name, extension]));
}

/** The extensions that every database has without being asked. */
export const alwaysInstalled: ReadonlySet<string> = new Set(["plpgsql"]);

const setting = "select pg_catalog.current_setting($1, true) as value";

/** A list of names in a setting of the server; undefined if it has no such setting. Throws if the user may not see it. */
export async function listSetting(client: pg.ClientBase, name: string): Promise<readonly string[] | undefined> {
  const { rows } = await client.query<{ value: string | null }>(setting, [name]);
  const value = rows[0]?.value ?? undefined;
  return value?.split(",").flatMap((entry) => {
    const bare = entry.trim().replaceAll(/^"|"$/g, "");
    return bare === "" ? [] : [bare];
  });
}
