/**
 * Creating a target database that is like the source's, and dropping one.
 */
import pg from "pg";
import { ServiceError } from "../model/service-error.js";
import type { DatabaseProperties } from "./database-properties.js";
import { quoteIdentifier, quoteLiteral } from "./identifiers.js";
import { localeSpellings } from "./locale-spellings.js";
import { serverWords } from "./statement-failed.js";

/**
 * Creates an empty database from template0 with the source's encoding and locale, whose name is tried in the ways that
 * servers spell it. `maintenance` is a session in another database of the target, outside a transaction.
 * Throws ServiceError LocaleNotAvailable or DatabaseNotCreated with a remedy. That the database exists (SQLSTATE 42P04) and
 * errors of connection and resources come as they are.
 */
export async function createDatabase(
  maintenance: pg.Client,
  name: string,
  properties: DatabaseProperties,
): Promise<void> {
  const { rows } = await maintenance.query<{ version: number }>(
    "select current_setting('server_version_num')::integer / 10000 as version",
  );
  const localeOptions = localeOptionsFor(properties, rows[0]?.version ?? 0);
  let refusal: unknown;
  for (const options of localeOptions) {
    try {
      await maintenance.query(
        `create database ${quoteIdentifier(name)} template template0 encoding ${quoteLiteral(properties.encoding)} ${options}`,
      );
      return;
    } catch (error) {
      if (!isLocaleRefusal(error)) throw explainCreation(name, error);
      refusal ??= error;
    }
  }
  throw localeNotAvailable(name, properties, refusal);
}

/** Ways to ask the server for the database's locale, the most faithful first. None if its version has no such provider. */
function localeOptionsFor(properties: DatabaseProperties, version: number): string[] {
  const { collate, characterType, provider, locale, icuRules } = properties;
  const libc = libcSpellings(collate, characterType).map(
    ([lcCollate, lcCtype]) => `lc_collate ${quoteLiteral(lcCollate)} lc_ctype ${quoteLiteral(lcCtype)}`,
  );
  if (provider === "libc") {
    // The builtin provider's C.UTF-8 sorts as libc's does: by code point.
    const isCUtf8 = [collate, characterType].every((part) => /^c\.utf-?8$/i.test(part));
    const builtin = "locale_provider builtin builtin_locale 'C.UTF-8' lc_collate 'C' lc_ctype 'C'";
    // Before 15 the clause does not exist; from 15 on it keeps template0's own provider out.
    const prefix = version >= 15 ? "locale_provider libc " : "";
    return [...libc.map((options) => prefix + options), ...(isCUtf8 && version >= 17 ? [builtin] : [])];
  }
  if (version < (provider === "icu" ? 15 : 17)) return [];
  const own = `locale_provider ${provider} ${provider}_locale ${quoteLiteral(locale ?? "")}`;
  const rules = icuRules === undefined ? "" : ` icu_rules ${quoteLiteral(icuRules)}`;
  // What libc still decides there (messages of the operating system) must not keep the database from being created.
  return [...libc, "lc_collate 'C' lc_ctype 'C'"].map((options) => `${own}${rules} ${options}`);
}

function libcSpellings(collate: string, characterType: string): [string, string][] {
  if (collate === characterType) return localeSpellings(collate).map((spelling) => [spelling, spelling]);
  return localeSpellings(collate).flatMap((one) =>
    localeSpellings(characterType).map((other): [string, string] => [one, other]),
  );
}

/**
 * wrong_object_type: "invalid locale name"; invalid_parameter_value: an ICU locale, or an encoding that does not fit the
 * locale; feature_not_supported: a server built without ICU.
 */
function isLocaleRefusal(error: unknown): boolean {
  return error instanceof pg.DatabaseError && ["42809", "22023", "0A000"].includes(error.code ?? "");
}

function localeNotAvailable(name: string, properties: DatabaseProperties, refusal: unknown): ServiceError {
  const { collate, characterType, provider, locale, encoding } = properties;
  const wanted =
    provider === "libc"
      ? `LC_COLLATE ${JSON.stringify(collate)}, LC_CTYPE ${JSON.stringify(characterType)}`
      : `${provider} locale ${JSON.stringify(locale)}`;
  const said = refusal === undefined ? `its version has no ${provider} locale provider` : serverWords(refusal);
  return new ServiceError(
    "LocaleNotAvailable",
    `Database ${name} needs ${wanted} with encoding ${encoding}, which the target lacks: ${said}. ` +
      "Install the locale on the target's operating system (select collname from pg_collation lists what it has), " +
      "choose a target that has it, or dump and restore this database with another locale by hand.",
    { target: name, cause: refusal },
  );
}

function explainCreation(name: string, error: unknown): unknown {
  if (!(error instanceof pg.DatabaseError) || error.code !== "42501") return error;
  return new ServiceError(
    "DatabaseNotCreated",
    `Database ${name} could not be created: ${serverWords(error)}. Give the target's user the attribute CREATEDB.`,
    { target: name, cause: error },
  );
}

const lookUpDatabase = `
  select datistemplate as is_template,
    pg_catalog.pg_has_role(datdba, 'usage') as ours,
    pg_catalog.current_setting('server_version_num')::integer / 10000 as version
  from pg_catalog.pg_database
  where datname = $1`;

const endSessions = `
  select pg_catalog.pg_terminate_backend(pid)
  from pg_catalog.pg_stat_activity
  where datname = $1 and pid <> pg_catalog.pg_backend_pid()`;

/** Milliseconds that sessions get to end before dropping the database is given up. */
const dropLimitMs = 30_000;

/**
 * Drops a database if it exists, and ends the sessions on it. `maintenance` is a session in another database.
 * Throws ServiceError DatabaseNotDropped with the server's message when that fails for 30 seconds.
 */
export async function dropDatabase(maintenance: pg.Client, name: string): Promise<void> {
  const { rows } = await maintenance.query<{ is_template: boolean; ours: boolean; version: number }>(lookUpDatabase, [
    name,
  ]);
  const [found] = rows;
  if (found === undefined) return;
  const database = quoteIdentifier(name);
  const deadline = Date.now() + dropLimitMs;
  try {
    if (found.is_template) await maintenance.query(`alter database ${database} is_template false`);
    // Before 13 a client that connects again at once could keep the database for ever.
    if (found.version < 13) await maintenance.query(`alter database ${database} allow_connections false`);
    for (;;) {
      try {
        // Without force, the server would wait five seconds for the sessions to end by themselves.
        if (found.version < 13) await maintenance.query(endSessions, [name]);
        await maintenance.query(`drop database if exists ${database}${found.version >= 13 ? " with (force)" : ""}`);
        return;
      } catch (error) {
        // object_in_use; or, if the database is ours, a session of somebody else's that force may not end: it may go by itself.
        const state = error instanceof pg.DatabaseError ? error.code : undefined;
        const worthAnother = state === "55006" || (state === "42501" && found.ours);
        if (!worthAnother || Date.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
  } catch (error) {
    if (found.version < 13) {
      await maintenance.query(`alter database ${database} allow_connections true`).catch(() => undefined);
    }
    throw new ServiceError(
      "DatabaseNotDropped",
      `Database ${name} could not be dropped: ${serverWords(error)}. ` +
        "Drop its replication slots and subscriptions, end its sessions, or let the target's user own it.",
      { target: name, cause: error },
    );
  }
}
