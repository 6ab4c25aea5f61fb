/** What a database is, apart from its contents: read on the source, given to the target's database. */
import pg from "pg";
import { z } from "zod";
import { quoteIdentifier, quoteLiteral } from "./identifiers.js";

const Setting = z.object({
  /** The role for which it is set in this database; null for everybody. */
  role: z.string().nullable(),
  name: z.string(),
  value: z.string(),
});

const Grant = z.object({
  /** null: everybody (public). */
  grantee: z.string().nullable(),
  privilege: z.enum(["CREATE", "CONNECT", "TEMPORARY"]),
  grantable: z.boolean(),
});

export const DatabaseProperties = z.object({
  /** PostgreSQL's name of the encoding, e.g. "UTF8". */
  encoding: z.string(),
  collate: z.string(),
  characterType: z.string(),
  provider: z.enum(["libc", "icu", "builtin"]),
  /** The locale of the providers icu and builtin. */
  locale: z.string().optional(),
  icuRules: z.string().optional(),
  owner: z.string(),
  /** -1: none. */
  connectionLimit: z.number().int(),
  isTemplate: z.boolean(),
  comment: z.string().optional(),
  settings: z.array(Setting),
  /** The owner's own left out; undefined: as PostgreSQL gives them by default. */
  grants: z.array(Grant).optional(),
});
export type DatabaseProperties = z.infer<typeof DatabaseProperties>;

// Columns of later versions are read through jsonb, where an absent one is null: datlocprovider came with 15, icurules with
// 16, and daticulocale became datlocale with 17.
const readProperties = `
  select
    pg_catalog.pg_encoding_to_char(database.encoding) as encoding,
    database.datcollate as collate,
    database.datctype as character_type,
    coalesce(to_jsonb(database) ->> 'datlocprovider', 'c') as provider,
    coalesce(to_jsonb(database) ->> 'datlocale', to_jsonb(database) ->> 'daticulocale') as locale,
    to_jsonb(database) ->> 'daticurules' as icu_rules,
    pg_catalog.pg_get_userbyid(database.datdba) as owner,
    database.datconnlimit as connection_limit,
    database.datistemplate as is_template,
    pg_catalog.shobj_description(database.oid, 'pg_database') as comment,
    coalesce((
      select jsonb_agg(jsonb_build_object(
        'role', role.rolname,
        'name', split_part(setting, '=', 1),
        'value', substr(setting, strpos(setting, '=') + 1)
      ) order by role.rolname nulls first, place)
      from pg_catalog.pg_db_role_setting as configured
      left join pg_catalog.pg_roles as role on role.oid = configured.setrole
      cross join lateral unnest(configured.setconfig) with ordinality as entry (setting, place)
      where configured.setdatabase = database.oid
    ), '[]') as settings,
    case when database.datacl is not null then coalesce((
      select jsonb_agg(jsonb_build_object(
        'grantee', role.rolname, 'privilege', acl.privilege_type, 'grantable', acl.is_grantable
      ) order by role.rolname nulls first, acl.privilege_type)
      from pg_catalog.aclexplode(database.datacl) as acl
      left join pg_catalog.pg_roles as role on role.oid = acl.grantee
      where acl.grantee <> database.datdba
        and (acl.grantee = 0 or role.rolname is not null)
    ), '[]') end as grants
  from pg_catalog.pg_database as database
  where database.datname = pg_catalog.current_database()`;

const providers = { c: "libc", i: "icu", b: "builtin" } as const;

/** The properties of the database that `source` is connected to. */
export async function readDatabaseProperties(source: pg.ClientBase): Promise<DatabaseProperties> {
  const { rows } = await source.query(readProperties);
  const row = z.record(z.string(), z.unknown()).parse(rows[0]);
  return DatabaseProperties.parse({
    encoding: row.encoding,
    collate: row.collate,
    characterType: row.character_type,
    provider: providers[z.enum(["c", "i", "b"]).parse(row.provider)],
    locale: row.locale ?? undefined,
    icuRules: row.icu_rules ?? undefined,
    owner: row.owner,
    connectionLimit: row.connection_limit,
    isTemplate: row.is_template,
    comment: row.comment ?? undefined,
    settings: row.settings,
    grants: row.grants ?? undefined,
  });
}

/** Settings whose value is a list of names, each quoted by itself (guc_tables.c, GUC_LIST_QUOTE). */
const nameLists: ReadonlySet<string> = new Set([
  "local_preload_libraries",
  "search_path",
  "session_preload_libraries",
  "shared_preload_libraries",
  "temp_tablespaces",
  "unix_socket_directories",
]);

const existingRoles = "select rolname from pg_catalog.pg_roles where rolname = any ($1::text[])";

/**
 * Gives the target's database everything but encoding and locale. To be done last: until then the database is ours, and
 * neither its settings nor its connection limit bear on our sessions. Safe to run again.
 * Answers a warning for each property that the target refused; those for roles that it lacks are gathered by role.
 */
export async function applyDatabaseProperties(
  maintenance: pg.Client,
  name: string,
  properties: DatabaseProperties,
): Promise<string[]> {
  const steps = propertySteps(quoteIdentifier(name), properties);
  const roles = steps.flatMap((step) => step.role ?? []);
  const { rows } = await maintenance.query<{ rolname: string }>(existingRoles, [roles]);
  const existing = new Set(rows.map((row) => row.rolname));
  const unapplied = new Map<string, string[]>();
  const warnings: string[] = [];
  for (const { role, sql, what } of steps) {
    if (role !== undefined && !existing.has(role)) {
      unapplied.set(role, [...(unapplied.get(role) ?? []), sql]);
      continue;
    }
    try {
      await maintenance.query(sql);
    } catch (error) {
      // Lost connections and the like (classes 08, 57 …) are the caller's to try again; a property that is refused is not.
      if (!(error instanceof pg.DatabaseError) || !/^(0L|22|42|55P02)/.test(error.code ?? "")) throw error;
      warnings.push(`Database ${name}: ${what} not applied: ${error.message}. Run it as a user who may: ${sql};`);
    }
  }
  for (const [role, statements] of unapplied) {
    warnings.push(
      `Role ${quoteIdentifier(role)} does not exist on the target. Create it and run: ${statements.join("; ")};`,
    );
  }
  return warnings;
}

interface PropertyStep {
  readonly what: string;
  readonly sql: string;
  readonly role?: string;
}

function propertySteps(database: string, properties: DatabaseProperties): PropertyStep[] {
  const { comment, settings, grants, connectionLimit, isTemplate, owner } = properties;
  const steps: PropertyStep[] = settings.map(({ role, name, value }) => ({
    what: `setting ${name}`,
    sql:
      (role === null ? `alter database ${database}` : `alter role ${quoteIdentifier(role)} in database ${database}`) +
      ` set ${settingName(name)} to ${settingValue(name, value)}`,
    ...(role === null ? {} : { role }),
  }));
  if (comment !== undefined) {
    steps.push({ what: "comment", sql: `comment on database ${database} is ${quoteLiteral(comment)}` });
  }
  if (grants !== undefined) {
    steps.push({ what: "privileges", sql: `revoke all on database ${database} from public` });
    for (const { grantee, privilege, grantable } of grants) {
      const to = grantee === null ? "public" : quoteIdentifier(grantee);
      steps.push({
        what: `privilege ${privilege}`,
        sql: `grant ${privilege.toLowerCase()} on database ${database} to ${to}${grantable ? " with grant option" : ""}`,
        ...(grantee === null ? {} : { role: grantee }),
      });
    }
  }
  if (connectionLimit !== -1) {
    steps.push({ what: "connection limit", sql: `alter database ${database} connection limit ${connectionLimit}` });
  }
  if (isTemplate) steps.push({ what: "template mark", sql: `alter database ${database} is_template true` });
  steps.push({ what: "owner", sql: `alter database ${database} owner to ${quoteIdentifier(owner)}`, role: owner });
  return steps;
}

/** A custom setting has a qualified name, "app.user"; each part is a name of its own. */
function settingName(name: string): string {
  return name.split(".").map(quoteIdentifier).join(".");
}

function settingValue(name: string, value: string): string {
  if (!nameLists.has(name.toLowerCase())) return quoteLiteral(value);
  const names = [...value.matchAll(/\s*(?:"((?:[^"]|"")*)"|([^,]*))(?:,|$)/g)].flatMap((match) => {
    const [whole, quoted, plain] = match;
    if (whole === "") return [];
    return [quoted === undefined ? (plain ?? "").trim() : quoted.replaceAll('""', '"')];
  });
  return names.length === 0 ? "''" : names.map(quoteLiteral).join(", ");
}
