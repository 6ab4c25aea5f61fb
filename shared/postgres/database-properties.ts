/** What a database is, apart from its contents: read on the source, given to the target's database. */
import pg from "pg";
import { z } from "zod";
import { quoteIdentifier, quoteLiteral } from "./identifiers.js";
import { setClause, settingName, settingValue } from "./setting-statement.js";

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

const existingRoles = "select rolname from pg_catalog.pg_roles where rolname = any ($1::text[])";

/** A property that the target's database does not have. */
export interface UnappliedProperty {
  /** For people: "setting work_mem of database shop". */
  readonly object: string;
  readonly sql: string;
  readonly code?: string;
  readonly message: string;
  readonly remedy: string;
  /** The role that the target lacks, if that was the reason. */
  readonly missingRole?: string;
}

/**
 * Gives the target's database everything but encoding and locale. To be done last: until then the database is ours, and
 * neither its settings nor its connection limit bear on our sessions. Safe to run again.
 * A setting with which no session can be opened (a library that the target lacks, in session_preload_libraries) would lock
 * everybody out, superusers too: each is tried, those of roles as the database's own for a moment, and taken back.
 * @param refusalOfSession opens a session in the database, and answers why that was refused
 * @returns the properties that the target did not take
 */
export async function applyDatabaseProperties(
  maintenance: pg.Client,
  name: string,
  properties: DatabaseProperties,
  refusalOfSession: () => Promise<pg.DatabaseError | undefined>,
): Promise<UnappliedProperty[]> {
  const steps = propertySteps(quoteIdentifier(name), properties);
  const roles = steps.flatMap((step) => step.role ?? []);
  const { rows } = await maintenance.query<{ rolname: string }>(existingRoles, [roles]);
  const existing = new Set(rows.map((row) => row.rolname));
  await resetOthers(maintenance, name, properties);
  const left: UnappliedProperty[] = [];
  for (const { role, sql, what, trial } of steps) {
    const object = `${what} of database ${quoteIdentifier(name)}`;
    if (role !== undefined && !existing.has(role)) {
      const message = `role ${quoteIdentifier(role)} does not exist`;
      const remedy = `Create the role on the target (CREATE ROLE ${quoteIdentifier(role)};), and run the statement.`;
      left.push({ object, sql, message, remedy, missingRole: role });
      continue;
    }
    try {
      const refusal = trial === undefined ? undefined : await tryOut(maintenance, trial, refusalOfSession);
      if (refusal === undefined) {
        await maintenance.query(sql);
        continue;
      }
      const message = `taken back, for with it no session can be opened: ${refusal.message}`;
      const remedy = "Install on the target what the message names, then run the statement.";
      left.push({ object, sql, message, remedy, ...(refusal.code === undefined ? {} : { code: refusal.code }) });
    } catch (error) {
      // Lost connections and the like (classes 08, 57 …) are the caller's to try again; a property that is refused is not.
      if (!(error instanceof pg.DatabaseError) || !/^(0A|0L|22|42|55P02|58P01)/.test(error.code ?? "")) throw error;
      const { message, code } = error;
      const remedy = "Run it as a user who may, or leave it where the target's version has no such property.";
      left.push({ object, sql, message, remedy, ...(code === undefined ? {} : { code }) });
    }
  }
  return left;
}

/** Takes back what scripts of extensions have set for the database (postgis_topology: its search_path) and the source's database has not. */
async function resetOthers(maintenance: pg.Client, name: string, { settings }: DatabaseProperties): Promise<void> {
  const { rows } = await maintenance.query<{ name: string }>(ownSettings, [name]);
  const wanted = new Set(settings.filter(({ role }) => role === null).map((one) => one.name.toLowerCase()));
  for (const own of rows.filter((row) => !wanted.has(row.name.toLowerCase()))) {
    await maintenance.query(`alter database ${quoteIdentifier(name)} reset ${settingName(own.name)}`);
  }
}

/** Gives the database a setting, opens a session, and gives it back what it had. */
async function tryOut(
  maintenance: pg.Client,
  { database, name, assignment }: SettingTrial,
  refusalOfSession: () => Promise<pg.DatabaseError | undefined>,
): Promise<pg.DatabaseError | undefined> {
  const { rows } = await maintenance.query<{ name: string; value: string }>(ownSettings, [unquoted(database)]);
  const had = rows.find((row) => settingName(row.name) === name);
  await maintenance.query(`alter database ${database} ${assignment}`);
  try {
    return await refusalOfSession();
  } finally {
    // What an activity that died here has left behind is not what the database had.
    const same = had !== undefined && `set ${name} to ${settingValue(had.name, had.value)}` === assignment;
    const back = had === undefined || same ? `reset ${name}` : `set ${name} to ${settingValue(had.name, had.value)}`;
    await maintenance.query(`alter database ${database} ${back}`);
  }
}

// What propertySteps() writes: one assignment, of the database's or of a role's in it.
const settingStatement =
  /^alter (?:role "(?:[^"]|"")+" in )?database (?<database>"(?:[^"]|"")+") (?<assignment>set (?<name>"(?:[^"]|"")*"(?:\."(?:[^"]|"")*")*) to [\s\S]*)$/;

/**
 * Applies a property that was left out before, by its statement; a setting is tried first, as applyDatabaseProperties() does.
 * @returns why it is not applied; undefined when it is
 */
export async function applyPropertyAgain(
  maintenance: pg.Client,
  sql: string,
  refusalOfSession: () => Promise<pg.DatabaseError | undefined>,
): Promise<pg.DatabaseError | undefined> {
  const { database, assignment, name } = settingStatement.exec(sql)?.groups ?? {};
  try {
    if (database !== undefined && assignment !== undefined && name !== undefined) {
      const refusal = await tryOut(maintenance, { database, assignment, name }, refusalOfSession);
      if (refusal !== undefined) return refusal;
    }
    await maintenance.query(sql);
    return undefined;
  } catch (error) {
    if (error instanceof pg.DatabaseError) return error;
    throw error;
  }
}

function unquoted(identifier: string): string {
  return identifier.slice(1, -1).replaceAll('""', '"');
}

/** A setting to be tried as the database's own; names are quoted. */
interface SettingTrial {
  readonly database: string;
  readonly name: string;
  readonly assignment: string;
}

const ownSettings = `
  select split_part(entry, '=', 1) as name, substr(entry, strpos(entry, '=') + 1) as value
  from pg_catalog.pg_db_role_setting as configured
  join pg_catalog.pg_database as database on database.oid = configured.setdatabase
  cross join lateral unnest(configured.setconfig) as entry
  where configured.setrole = 0
    and database.datname = $1
`;

interface PropertyStep {
  readonly what: string;
  readonly sql: string;
  readonly role?: string;
  readonly trial?: SettingTrial;
}

function propertySteps(database: string, properties: DatabaseProperties): PropertyStep[] {
  const { comment, settings, grants, connectionLimit, isTemplate, owner } = properties;
  // Those of roles first: they are tried as the database's own, which it does not have yet.
  const rolesFirst = [...settings.filter(({ role }) => role !== null), ...settings.filter(({ role }) => role === null)];
  const steps: PropertyStep[] = rolesFirst.map(({ role, name, value }) => {
    const assignment = setClause(name, value);
    const whole = `alter database ${database} ${assignment}`;
    return {
      what: role === null ? `setting ${name}` : `setting ${name} of role ${quoteIdentifier(role)}`,
      sql: role === null ? whole : `alter role ${quoteIdentifier(role)} in database ${database} ${assignment}`,
      trial: { database, name: settingName(name), assignment },
      ...(role === null ? {} : { role }),
    };
  });
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
