/**
 * What every session of ours runs with, on both servers: values and schema text must not depend on what a server, a database or a role is set to.
 *
 * The settings travel in the start-up packet (`options`), which goes over postgresql.conf, ALTER DATABASE and ALTER ROLE and leaves nothing behind
 * on a connection that somebody else uses afterwards; connect() reads them back. What only makes things faster or smaller (work_mem,
 * default_toast_compression, maintenance_work_mem, enable_…) stays as the server's administrator has it.
 */

/** Names are compared without case: pg_settings spells DateStyle, IntervalStyle and TimeZone with capitals. */
export type SessionSettings = Readonly<Record<string, string>>;

/** Known to every server from 9.5 on, and any user may set them. */
const everywhere: SessionSettings = {
  // Text of values, in and out (PostgreSQL docs, "Client Connection Defaults", "Locale and Formatting"; pg_dump's preamble).
  DateStyle: "ISO, YMD",
  IntervalStyle: "postgres",
  TimeZone: "UTC",
  timezone_abbreviations: "Default",
  lc_monetary: "C",
  lc_numeric: "C",
  lc_time: "C",
  extra_float_digits: "3",
  bytea_output: "hex",
  xmloption: "content",
  xmlbinary: "base64",
  array_nulls: "on",
  // How statements are read, and written by pg_dump.
  standard_conforming_strings: "on",
  backslash_quote: "safe_encoding",
  escape_string_warning: "on",
  transform_null_equals: "off",
  quote_all_identifiers: "off",
  // Every name that we write is qualified.
  search_path: "",
  // Who we are: the user that was given, whatever role ALTER ROLE … SET role names.
  role: "none",
  // A policy that would hide rows from us is an error, never a silently smaller table.
  row_security: "off",
  // What the bodies of functions name may come later in the dump.
  check_function_bodies: "off",
  default_tablespace: "",
  temp_tablespaces: "",
  gin_fuzzy_search_limit: "0",
  // The ledger relies on waiting for a row and then seeing it; a source is frozen by making its transactions read-only.
  default_transaction_isolation: "read committed",
  default_transaction_read_only: "off",
  default_transaction_deferrable: "off",
  // What the ledger says is on disk.
  synchronous_commit: "on",
  exit_on_error: "off",
  client_min_messages: "warning",
  // No time-out of the server's may end a copy half-way; our own limits do.
  statement_timeout: "0",
  lock_timeout: "0",
  // When the machine at our end vanishes without a word, its session (and the ledger row it holds) is gone in half a minute.
  tcp_keepalives_idle: "10",
  tcp_keepalives_interval: "5",
  tcp_keepalives_count: "4",
};

/** Only some versions, or only some users, may set these: they are asked for where a session has found them to be otherwise. */
const somewhere: SessionSettings = {
  idle_in_transaction_session_timeout: "0",
  idle_session_timeout: "0",
  transaction_timeout: "0",
  tcp_user_timeout: "0",
  default_table_access_method: "heap",
  default_with_oids: "off",
  restrict_nonsystem_relation_kind: "",
  createrole_self_grant: "",
  icu_validation_level: "warning",
  // The server must not look for a client that has left a statement to it.
  client_connection_check_interval: "0",
};

/** Where our sessions meet triggers and rules, they fire as for any other; only a superuser (from 15 on, whoever was granted it) can have this otherwise. */
const privileged: SessionSettings = {
  session_replication_role: "origin",
};

/** A server that cannot keep to these (another platform's TCP) does not change a value. */
const dispensable: ReadonlySet<string> = new Set([
  "tcp_keepalives_idle",
  "tcp_keepalives_interval",
  "tcp_keepalives_count",
  "tcp_user_timeout",
]);

/** What a session that changes something about the ordinary ones is opened with, beside them. */
export function neutralSettings(changes: SessionSettings = {}): SessionSettings {
  return withoutCase({ ...withoutCase(everywhere), ...withoutCase(changes) });
}

/** Everything that is read back. */
export function expectedSettings(changes: SessionSettings = {}): SessionSettings {
  return withoutCase({ ...withoutCase({ ...privileged, ...somewhere, ...everywhere }), ...withoutCase(changes) });
}

/** The settings as the start-up packet's `options` (PostgreSQL docs, "Message Formats": blanks and backslashes are escaped with a backslash). */
export function startupOptions(settings: SessionSettings): string {
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value.replaceAll(/[\\\s]/g, (character) => `\\${character}`)}`)
    .join(" ");
}

/** What changes the text of values, wherever they are written or read. */
const ofValues = ["datestyle", "intervalstyle", "extra_float_digits", "timezone", "bytea_output", "lc_monetary"];

/** Time-outs that end a session or a transaction half-way, with the version that they came with; a worker would begin the same anew for ever. */
const timeouts: Readonly<Record<string, { readonly since: number; readonly value: string }>> = {
  statement_timeout: { since: 0, value: "0" },
  lock_timeout: { since: 0, value: "0" },
  idle_in_transaction_session_timeout: { since: 9, value: "0" },
  idle_session_timeout: { since: 14, value: "0" },
  transaction_timeout: { since: 17, value: "0" },
};

/**
 * The settings of a walsender that sends to a subscription: those that change what it sends, and time-outs.
 * @param major the source's
 */
export function publisherSettings(major: number): SessionSettings {
  const kept = [...ofValues, "search_path", "role", "default_transaction_isolation", "array_nulls", "xmlbinary"];
  return {
    ...chosen(kept),
    ...timeoutsOf(major),
    // Any user may set it from 12 on; PostgreSQL's own default.
    ...(major >= 12 ? { wal_sender_timeout: "60s" } : {}),
  };
}

/**
 * The settings of a worker that applies changes: how it reads values, and time-outs. It sets search_path, session_replication_role and synchronous_commit itself.
 * @param major the target's
 */
export function subscriberSettings(major: number): SessionSettings {
  const kept = [...ofValues, "role", "default_transaction_isolation", "array_nulls", "xmloption"];
  return { ...chosen(kept), ...timeoutsOf(major) };
}

function chosen(names: readonly string[]): SessionSettings {
  const all = neutralSettings();
  return Object.fromEntries(names.map((name) => [name, all[name] ?? ""]));
}

function timeoutsOf(major: number): SessionSettings {
  return Object.fromEntries(
    Object.entries(timeouts).flatMap(([name, { since, value }]) => (major >= since ? [[name, value]] : [])),
  );
}

/**
 * Those of a walsender, for a subscription's connection string. A target from 15 on may send the first three itself, in place of any `options`
 * (libpqwalreceiver, before the releases of 2026): a role of our own on the source has them as well (publisher-role.ts).
 */
export function publisherOptions(major: number): string {
  return startupOptions(publisherSettings(major));
}

/** A setting that is not what was asked for. */
export interface Deviation {
  readonly name: string;
  readonly wanted: string;
  readonly actual: string;
}

/** One message for one round trip: which server process answers, whether it may all, and what is set there. */
export const sessionState = `
  select
    pg_catalog.pg_backend_pid() as pid,
    pg_catalog.current_setting('role') as role,
    pg_catalog.current_setting('is_superuser') = 'on' as superuser,
    (
      select pg_catalog.json_object_agg(pg_catalog.lower(known.name), coalesce(known.setting, ''))
      from pg_catalog.pg_settings as known
      where pg_catalog.lower(known.name) = any ($1::text[])
    ) as settings
`;

export interface SessionState {
  readonly pid: number;
  readonly role: string;
  readonly superuser: boolean;
  /** By name in lower case; those that the server does not know are missing, and so is `role`, which pg_settings does not show. */
  readonly settings: Readonly<Record<string, string>> | null;
}

/** What differs from what every session has to have. @param known what the server does not take from us is left out. */
export function deviations(expected: SessionSettings, { settings, role, superuser }: SessionState): Deviation[] {
  const actual = { ...settings, role };
  return Object.entries(expected).flatMap(([name, wanted]) => {
    const value = actual[name as keyof typeof actual];
    if (value === undefined || dispensable.has(name) || (name in privileged && !superuser)) return [];
    return sameSetting(value, wanted) ? [] : [{ name, wanted, actual: value }];
  });
}

function sameSetting(actual: string, wanted: string): boolean {
  const plain = (text: string) => text.toLowerCase().replaceAll(/\s/g, "");
  return plain(actual) === plain(wanted) || (wanted === "" && actual === '""');
}

function withoutCase(settings: SessionSettings): SessionSettings {
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [name.toLowerCase(), value]));
}
