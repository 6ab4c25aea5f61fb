/**
 * Connecting to a PostgreSQL server: TLS as the migration's sslMode asks, our session settings, errors that say what to do.
 */
import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import pg from "pg";
import type { ServerEndpoint } from "../model/migration.js";
import { ServiceError } from "../model/service-error.js";
import { settings } from "../settings.js";
import { entraToken } from "./entra-token.js";

export interface ConnectOptions {
  readonly endpoint: ServerEndpoint;
  readonly password: string;
  readonly database: string;
  /** See applicationName(): how the session is recognised in pg_stat_activity, and ended. */
  readonly applicationName: string;
  /** Seconds until an unanswered connection attempt is given up; 15 when left out. */
  readonly connectTimeoutSeconds?: number;
  /** A replication connection to the database: it takes replication commands, and has none of our session settings. */
  readonly replication?: boolean;
}

/**
 * What every session of ours runs with, wherever the server knows the setting and lets a user set it.
 * - No time-out of the server's may end a copy half-way; our own limits do.
 * - Keepalives: when the machine at our end vanishes without a word, its session (and the ledger row it holds) is gone in half a minute.
 * - A database that was made read-only by its settings, as people freeze a source, is not so for what we create.
 * - Text output that does not depend on the server's or the role's configuration.
 * - search_path empty, as pg_dump does: every name that we write is qualified.
 * - row_security off: a policy that would hide rows from us is an error, never a silently smaller table.
 */
const sessionSettings = `
  select set_config(wanted.name, wanted.setting, false)
  from (values
    ('statement_timeout', '0'),
    ('lock_timeout', '0'),
    ('transaction_timeout', '0'),
    ('idle_in_transaction_session_timeout', '0'),
    ('idle_session_timeout', '0'),
    ('tcp_keepalives_idle', '10'),
    ('tcp_keepalives_interval', '5'),
    ('tcp_keepalives_count', '4'),
    ('datestyle', 'ISO, YMD'),
    ('intervalstyle', 'postgres'),
    ('extra_float_digits', '3'),
    ('bytea_output', 'hex'),
    ('default_transaction_read_only', 'off'),
    ('timezone', 'UTC'),
    ('row_security', 'off'),
    ('search_path', '')
  ) as wanted (name, setting)
  join pg_catalog.pg_settings as known on known.name = lower(wanted.name)
  where known.context = 'user'
`;

/**
 * Opens a session. The caller ends it.
 * @throws ServiceError with a remedy in its message: ServerUnreachable, AuthenticationFailed, DatabaseNotFound, TlsNotSupported,
 * TlsVerificationFailed, TooManyConnections, ConnectionRefused.
 */
export async function connect(options: ConnectOptions): Promise<pg.Client> {
  const { sslMode } = options.endpoint;
  try {
    return await open(options, tlsOptions(options.endpoint));
  } catch (error) {
    if (sslMode === "Prefer" && refusesTls(error)) {
      return await open(options, false).catch((plainError: unknown) => {
        throw explain(plainError, options);
      });
    }
    throw explain(error, options);
  }
}

/** Runs `work` with a session that is ended whatever happens. */
export async function withConnection<T>(options: ConnectOptions, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await connect(options);
  try {
    return await work(client);
  } finally {
    await endSession(client);
  }
}

/** Ends a session without ever hanging on a dead peer: politely for up to two seconds, then by closing the socket. */
export async function endSession(client: pg.Client): Promise<void> {
  const limit = setTimeout(() => abandonSession(client), 2_000);
  try {
    await client.end();
  } catch {
    // The session is being given up: that it was already broken changes nothing.
  } finally {
    clearTimeout(limit);
  }
}

/** Closes the socket under a session at once. A statement that runs there goes on in the server until it next writes to the client. */
export function abandonSession(client: pg.Client): void {
  client.connection.stream.destroy();
}

/**
 * What a login is proved with: the password, or a token of Microsoft Entra that was fetched for it.
 * @throws ServiceError EntraTokenUnavailable
 */
export async function passwordOf({
  endpoint,
  password,
}: Pick<ConnectOptions, "endpoint" | "password">): Promise<string> {
  return endpoint.authentication === "Entra" ? await entraToken() : password;
}

async function open(options: ConnectOptions, ssl: ConnectionOptions | false): Promise<pg.Client> {
  const client = new pg.Client({
    host: options.endpoint.host,
    port: options.endpoint.port,
    user: options.endpoint.user,
    password: await passwordOf(options),
    database: options.database,
    application_name: options.applicationName,
    connectionTimeoutMillis: (options.connectTimeoutSeconds ?? 15) * 1_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    ssl,
    ...(options.replication === true ? { replication: "database" } : {}),
  } as pg.ClientConfig);
  // A session that the server ends while it is idle emits this; the next query on it fails with the same cause and is reported there.
  client.on("error", () => {});
  try {
    await client.connect();
    if (options.replication !== true) await client.query(sessionSettings);
    return client;
  } catch (error) {
    abandonSession(client);
    throw error;
  }
}

function tlsOptions(endpoint: ServerEndpoint): ConnectionOptions {
  const certificates = rootCertificates();
  switch (endpoint.sslMode) {
    case "Prefer":
    case "Require":
      return { rejectUnauthorized: false };
    case "VerifyCA":
      return { ...certificates, rejectUnauthorized: true, checkServerIdentity: () => undefined };
    case "VerifyFull":
      return { ...certificates, rejectUnauthorized: true };
  }
}

function rootCertificates(): { ca?: string } {
  const configured = settings().sslRootCertificate;
  if (configured === undefined) return {};
  return { ca: configured.includes("-----BEGIN") ? configured : readFileSync(configured, "utf8") };
}

function refusesTls(error: unknown): boolean {
  return error instanceof Error && error.message.includes("does not support SSL connections");
}

function explain(error: unknown, { endpoint, database }: ConnectOptions): ServiceError {
  if (error instanceof ServiceError) return error;
  const server = `${endpoint.host}:${endpoint.port}`;
  const { code, message } = errorDetails(error);
  const told = (name: string, remedy: string) =>
    new ServiceError(name, `${server}: ${message}. ${remedy}`, { target: server, cause: error });
  if (refusesTls(error)) {
    return told(
      "TlsNotSupported",
      `sslMode ${endpoint.sslMode} needs TLS: enable ssl on the server, or choose sslMode Prefer.`,
    );
  }
  if (code.startsWith("28")) {
    return told(
      "AuthenticationFailed",
      endpoint.authentication === "Entra"
        ? `Make the app's identity an Entra administrator of the server, or a role of it (pgaadauth_create_principal), and ` +
            `give its name as the user; here it is ${endpoint.user}.`
        : `Check user ${endpoint.user}, its password and the server's pg_hba.conf or firewall rules.`,
    );
  }
  if (code === "3D000") return told("DatabaseNotFound", `Check the spelling of database ${database}.`);
  if (code === "42501")
    return told("AuthenticationFailed", `Grant CONNECT on database ${database} to ${endpoint.user}.`);
  if (code === "53300") {
    return told("TooManyConnections", "Raise max_connections, end idle sessions, or lower MAX_PARALLEL_COPIES.");
  }
  if (isCertificateError(code)) {
    return told(
      "TlsVerificationFailed",
      `sslMode ${endpoint.sslMode} could not verify the server's certificate: set SSL_ROOT_CERTIFICATE to its CA, ` +
        "use the name that the certificate bears, or choose sslMode Require.",
    );
  }
  if (code.startsWith("57P") || code.startsWith("53"))
    return told("ConnectionRefused", "Try again when the server accepts connections.");
  return told("ServerUnreachable", "Check host, port, network rules and that the server runs.");
}

function isCertificateError(code: string): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)|ERR_TLS/.test(code);
}

function errorDetails(error: unknown): { code: string; message: string } {
  if (error instanceof AggregateError && error.errors.length > 0) return errorDetails(error.errors[0]);
  const message = error instanceof Error ? error.message : String(error);
  const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
  return { code, message: message.replace(/\.$/, "") };
}
