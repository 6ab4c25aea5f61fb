import type pg from "pg";
import { qualifiedName, quoteIdentifier } from "../../../postgres/identifiers.js";
import { localeExists } from "../../../postgres/locale-exists.js";
import { ofNoExtension, userSchema } from "../../../postgres/user-objects.js";
import { displayName } from "../../../schema/display-name.js";
import { runOn } from "../../corrective-action.js";
import { named } from "../../named.js";
import type { DatabaseRule, DatabaseRuleContext, RuleFinding } from "../../rule.js";

// Columns of later versions are read through jsonb, where an absent one is null: datlocprovider came with 15.
const databaseLocale = `
  select
    pg_catalog.pg_encoding_to_char(d.encoding) as encoding,
    d.datcollate as collate,
    d.datctype as character_type,
    coalesce(to_jsonb(d) ->> 'datlocprovider', 'c') as provider
  from pg_catalog.pg_database as d
  where d.datname = $1
`;

interface DatabaseLocale {
  readonly encoding: string;
  readonly collate: string;
  readonly character_type: string;
  readonly provider: "c" | "i" | "b";
}

// Everything that uses a collation depends on it, but for those that are part of every server.
const systemCollationsUsed = `
  select distinct c.collname as name
  from pg_catalog.pg_depend as d
  join pg_catalog.pg_collation as c on c.oid = d.refobjid
  where d.refclassid = 'pg_catalog.pg_collation'::pg_catalog.regclass
    and c.collnamespace = 'pg_catalog'::pg_catalog.regnamespace
  order by 1
`;

const systemCollationsThere = `
  select distinct c.collname as name
  from pg_catalog.pg_collation as c
  where c.collnamespace = 'pg_catalog'::pg_catalog.regnamespace
    and c.collencoding in (-1, pg_catalog.pg_char_to_encoding($1))
    and c.collname = any ($2::text[])
`;

const collationUsers = `
  select
    c.collname as collation,
    pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid) as description,
    n.nspname as schema,
    t.relname as table,
    a.attname as column,
    pg_catalog.format_type(a.atttypid, a.atttypmod) as type
  from pg_catalog.pg_depend as d
  join pg_catalog.pg_collation as c on c.oid = d.refobjid
  left join pg_catalog.pg_class as t
    on d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    and t.oid = d.objid
    and t.relkind in ('r', 'p')
  left join pg_catalog.pg_namespace as n on n.oid = t.relnamespace
  left join pg_catalog.pg_attribute as a
    on a.attrelid = t.oid
    and a.attnum = d.objsubid
    and a.attinhcount = 0
    and d.objsubid > 0
  where d.refclassid = 'pg_catalog.pg_collation'::pg_catalog.regclass
    and c.collnamespace = 'pg_catalog'::pg_catalog.regnamespace
    and c.collname = any ($1::text[])
  order by n.nspname, t.relname, a.attnum, 1, 2
`;

interface CollationUser {
  readonly collation: string;
  readonly description: string;
  readonly schema: string | null;
  readonly table: string | null;
  readonly column: string | null;
  readonly type: string | null;
}

const userCollations = `
  select
    n.nspname as schema,
    c.collname as name,
    c.collprovider as provider,
    c.collcollate as collate,
    c.collctype as character_type
  from pg_catalog.pg_collation as c
  join pg_catalog.pg_namespace as n on n.oid = c.collnamespace
  where ${userSchema("n")}
    and ${ofNoExtension("pg_collation", "c.oid")}
  order by 1, 2
`;

interface UserCollation {
  readonly schema: string;
  readonly name: string;
  readonly provider: string;
  /** null unless the provider is libc, since 15 */
  readonly collate: string | null;
  readonly character_type: string | null;
}

const abilities = `
  select
    pg_catalog.pg_char_to_encoding($1) >= 0 as encoding,
    exists (
      select
      from pg_catalog.pg_collation as c
      where c.collprovider = 'i'
    ) as icu
`;

interface Abilities {
  readonly encoding: boolean;
  /** The server is built with ICU. */
  readonly icu: boolean;
}

export const rule: DatabaseRule = {
  id: "encoding-and-collations",
  title: "The target has the database's encoding, its locale and the collations that it uses",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "Choose a target whose operating system has the locale, or give the columns another collation on the source.",
  async check(context) {
    const { source, target, database } = context;
    const { rows } = await source.query<DatabaseLocale>(databaseLocale, [database]);
    const [locale] = rows;
    if (locale === undefined) return [];
    const able = (await target.query<Abilities>(abilities, [locale.encoding])).rows[0];
    return [
      ...(await checkDatabase(context, locale, able)),
      ...(await checkSystemCollations(source, target, locale.encoding)),
      ...(await checkUserCollations(source, target, able?.icu ?? false)),
    ];
  },
};

async function checkDatabase(
  { target, database, targetVersion }: DatabaseRuleContext,
  { encoding, collate, character_type, provider }: DatabaseLocale,
  able: Abilities | undefined,
): Promise<RuleFinding[]> {
  const failed = (wrong: string): RuleFinding => ({
    state: "Failed",
    message:
      `Database ${database} ${wrong}, which the target lacks. Choose a target that has it (select collname from pg_collation lists ` +
      "what its operating system knows), or dump and restore this database with another by hand.",
  });
  if (able?.encoding !== true) return [failed(`has the encoding ${encoding}`)];
  if (provider === "i") return able.icu && targetVersion >= 150_000 ? [] : [failed("has an ICU locale")];
  if (provider === "b") return targetVersion >= 170_000 ? [] : [failed("has a locale of PostgreSQL's own")];
  // The builtin provider's C.UTF-8 takes the place of libc's.
  const names = [...new Set([collate, character_type])].filter(
    (name) => !(targetVersion >= 170_000 && /^c\.utf-?8$/i.test(name)),
  );
  const findings: RuleFinding[] = [];
  for (const name of names) {
    if (!(await localeExists(target, name))) findings.push(failed(`has the locale ${name}`));
  }
  return findings;
}

/** Collations of pg_catalog come from the operating system: a dump only names them. */
async function checkSystemCollations(source: pg.Client, target: pg.Client, encoding: string): Promise<RuleFinding[]> {
  const used = (await source.query<{ name: string }>(systemCollationsUsed)).rows.map(({ name }) => name);
  if (used.length === 0) return [];
  const { rows: there } = await target.query<{ name: string }>(systemCollationsThere, [encoding, used]);
  const known = new Set(there.map(({ name }) => name));
  const missing = used.filter((name) => !known.has(name));
  if (missing.length === 0) return [];
  const { rows: users } = await source.query<CollationUser>(collationUsers, [missing]);
  const names = users.map(({ description, collation }) => `${displayName(collation)} of ${description}`);
  const statements = users.flatMap(({ schema, table, column, type }) =>
    schema === null || table === null || column === null || type === null
      ? []
      : `ALTER TABLE ${qualifiedName(schema, table)} ALTER COLUMN ${quoteIdentifier(column)} TYPE ${type} COLLATE pg_catalog."default";`,
  );
  return [
    {
      state: "Failed",
      message:
        `${named("collation", "collations", names)}: not on the target. Choose a target whose operating system has it, or sort by another collation: ` +
        `for columns of tables the database's own.${runOn("source", statements)}`,
    },
  ];
}

/** Collations of the user's are created on the target, from locales that have to be there. */
async function checkUserCollations(source: pg.Client, target: pg.Client, icu: boolean): Promise<RuleFinding[]> {
  const { rows } = await source.query<UserCollation>(userCollations);
  const missing: { name: string; removal: string }[] = [];
  for (const { schema, name, provider, collate, character_type } of rows) {
    const removal = `DROP COLLATION ${qualifiedName(schema, name)};`;
    if (provider === "i") {
      if (!icu) missing.push({ name: `${displayName(schema, name)} of ICU`, removal });
      continue;
    }
    if (provider !== "c") continue;
    for (const locale of new Set([collate, character_type])) {
      if (locale === null || (await localeExists(target, locale))) continue;
      missing.push({ name: `${displayName(schema, name)} with the locale ${locale}`, removal });
    }
  }
  if (missing.length === 0) return [];
  return [
    {
      state: "Failed",
      message:
        `${named(
          "collation",
          "collations",
          missing.map(({ name }) => name),
        )}: the target could not create it. Choose a target that has the locale, or give the columns another collation and drop this one.` +
        runOn("source", [...new Set(missing.map(({ removal }) => removal))]),
    },
  ];
}
