/**
 * Connecting to a PostgreSQL server: TLS as the migration's sslMode asks, neutral session settings, no pooler in between, errors that say what to do.
 */
import { readFileSync } from "node:fs";
import { type ConnectionOptions, rootCertificates as systemRoots } from "node:tls";
import pg from "pg";
import type { ServerEndpoint } from "../model/migration.js";
import { ServiceError } from "../model/service-error.js";
import { settings } from "../settings.js";
import { entraToken } from "./entra-token.js";
import { GuardedConnection } from "./guarded-connection.js";
import { ProtocolViolation } from "./server-messages.js";
import {
  type Deviation,
  deviations,
  expectedSettings,
  neutralSettings,
  type SessionSettings,
  type SessionState,
  sessionState,
  startupOptions,
} from "./session-settings.js";

export interface ConnectOptions {
  readonly endpoint: ServerEndpoint;
  readonly password: string;
  readonly database: string;
  /** See applicationName(): how the session is recognised in pg_stat_activity, and ended. */
  readonly applicationName: string;
  /** Seconds until an attempt to open a session, reading its settings back included, is given up; 15 when left out. */
  readonly connectTimeoutSeconds?: number;
  /** Seconds until the session is ended, whatever it does: for requests that somebody waits for. */
  readonly limitSeconds?: number;
  /** Whether event triggers, those on login too, are off from the start: for users that may (maySilenceEventTriggers()). */
  readonly withoutEventTriggers?: boolean;
  /** A replication connection to the database: it takes replication commands; its settings are not read back. */
  readonly replication?: boolean;
  /**
   * What this session has otherwise than every session of ours (session-settings.ts). "server's own": nothing is set, and the session has what the
   * server gives to anybody; for who looks at just that, or sets the rest for each transaction.
   */
  readonly settings?: SessionSettings | "server's own";
}

/**
 * Opens a session with our settings, which have been read back. The caller ends it.
 * @throws ServiceError with a remedy in its message: ServerUnreachable, AuthenticationFailed, DatabaseNotFound, TlsNotSupported,
 * TlsVerificationFailed, TooManyConnections, ConnectionRefused, PoolerInBetween, SettingNotKept.
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
    // Our user has lost the right meanwhile: a trigger that fires is less than a migration that ends.
    if (options.withoutEventTriggers === true && errorDetails(error).message.includes("event_triggers")) {
      return await connect({ ...options, withoutEventTriggers: false });
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

/**
 * Has two more transactions answered, the second while another session's is open: a pooler that gives away its server connections after each
 * transaction answers them from different processes.
 * @throws ServiceError PoolerInBetween
 */
export async function proveOneBackend(client: pg.Client, options: ConnectOptions): Promise<void> {
  const pid = await backendPid(client);
  await withConnection(options, async (other) => {
    await other.query("begin read only");
    const [before, beside] = [await backendPid(other), await backendPid(client)];
    await other.query("rollback");
    if (beside !== pid || before === pid) {
      throw poolerInBetween(options, `process ${pid} of the server answered first and process ${beside} then`);
    }
  });
}

async function backendPid(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>("select pg_catalog.pg_backend_pid() as pid");
  return rows[0]?.pid ?? 0;
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

/**
 * Settings that a server has turned out to need or not to know, by its address: what the start-up packet names besides the usual, and what it leaves
 * out. A server that was replaced behind its address is asked anew when it refuses one.
 */
const learnt = new Map<string, { readonly needed: SessionSettings; readonly unknown: ReadonlySet<string> }>();

/** Sessions that are opened to learn what a server needs, at most: each refusal names one setting. */
const attemptsToLearn = 12;

async function open(options: ConnectOptions, ssl: ConnectionOptions | false): Promise<pg.Client> {
  if (options.settings === "server's own") return await openWith(options, ssl, undefined);
  const server = addressOf(options.endpoint);
  for (let attempt = 1; ; attempt++) {
    const known = learnt.get(server) ?? { needed: {}, unknown: new Set<string>() };
    const settings = omit(
      { ...known.needed, ...neutralSettings({ ...eventTriggerSettings(options), ...options.settings }) },
      known.unknown,
    );
    try {
      return await openWith(options, ssl, settings);
    } catch (error) {
      const next = lesson(error, known);
      if (next === undefined || attempt === attemptsToLearn) throw error;
      learnt.set(server, next);
    }
  }
}

/** What keeps event triggers from firing, where the user may. */
export function eventTriggerSettings({
  withoutEventTriggers,
}: Pick<ConnectOptions, "withoutEventTriggers">): SessionSettings {
  return withoutEventTriggers === true ? { event_triggers: "off" } : {};
}

type Lesson = typeof learnt extends Map<string, infer Value> ? Value : never;

/** Time-outs so short that they end a session before it has said what it needs, by the SQLSTATE that they end it with. */
const timeOuts: Readonly<Record<string, string>> = {
  "25P03": "idle_in_transaction_session_timeout",
  "25P04": "transaction_timeout",
  "57P05": "idle_session_timeout",
};

/** What to ask a server for the next time; undefined when the error says nothing of settings. */
function lesson(error: unknown, { needed, unknown }: Lesson): Lesson | undefined {
  if (error instanceof NotNeutral) {
    const missing = error.deviations.filter(({ name }) => !(name in needed) && !unknown.has(name));
    if (missing.length === 0) return undefined;
    return { needed: { ...needed, ...Object.fromEntries(missing.map(({ name, wanted }) => [name, wanted])) }, unknown };
  }
  const { code, message } = errorDetails(error);
  const timeOut = timeOuts[code];
  if (timeOut !== undefined && !(timeOut in needed)) return { needed: { ...needed, [timeOut]: "0" }, unknown };
  // undefined_object: "unrecognized configuration parameter"; insufficient_privilege: "permission denied to set parameter".
  const name = /"([a-z_][a-z0-9_.]*)"/i.exec(message)?.[1]?.toLowerCase();
  if ((code !== "42704" && code !== "42501") || name === undefined || !(name in expectedSettings())) return undefined;
  return { needed: omit(needed, new Set([name])), unknown: new Set([...unknown, name]) };
}

function omit(settings: SessionSettings, names: ReadonlySet<string>): SessionSettings {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !names.has(name)));
}

/** A session that does not have the settings that it was opened with, or has others that ours must not have. */
class NotNeutral extends Error {
  readonly deviations: readonly Deviation[];

  constructor(deviations: readonly Deviation[]) {
    super(deviations.map(({ name, wanted, actual }) => `${name} is "${actual}", not "${wanted}"`).join(", "));
    this.deviations = deviations;
  }
}

async function openWith(
  options: ConnectOptions,
  ssl: ConnectionOptions | false,
  settings: SessionSettings | undefined,
): Promise<pg.Client> {
  const client = new pg.Client({
    host: options.endpoint.host,
    port: options.endpoint.port,
    user: options.endpoint.user,
    password: await passwordOf(options),
    database: options.database,
    application_name: options.applicationName,
    connection: new GuardedConnection({ host: options.endpoint.host, ssl }),
    ssl,
    // SCRAM-SHA-256-PLUS where the server offers it: who ends TLS in between cannot log in on with it.
    enableChannelBinding: ssl !== false,
    ...(settings === undefined ? {} : { options: startupOptions(settings) }),
    ...(options.replication === true ? { replication: "database" } : {}),
  } as pg.ClientConfig);
  // A session that the server ends while it is idle emits this; the next query on it fails without the server's words.
  let ended: Error | undefined;
  client.on("error", (error) => {
    ended ??= error;
  });
  const limit = setTimeout(
    () => client.connection.stream.destroy(new Error("timeout expired")),
    (options.connectTimeoutSeconds ?? 15) * 1_000,
  );
  try {
    await client.connect();
    if (options.replication !== true) await readBack(client, options, settings);
    if (options.limitSeconds !== undefined) endAfter(client, options.limitSeconds, addressOf(options.endpoint));
    return client;
  } catch (error) {
    abandonSession(client);
    throw ended ?? error;
  } finally {
    clearTimeout(limit);
  }
}

function endAfter(client: pg.Client, seconds: number, server: string): void {
  const error = new ServiceError(
    "ServerUnreachable",
    `${server} has not answered within ${seconds} s. Try again when it is less busy.`,
    { target: server },
  );
  const limit = setTimeout(() => client.connection.stream.destroy(error), seconds * 1_000);
  client.once("end", () => clearTimeout(limit));
}

/** Nothing has been set in the session yet but by its own start-up packet: what a pooler would keep for others. */
async function readBack(
  client: pg.Client,
  options: ConnectOptions,
  settings: SessionSettings | undefined,
): Promise<void> {
  const expected = options.settings === "server's own" ? {} : expectedSettings(options.settings);
  const { rows } = await client.query<SessionState>(sessionState, [Object.keys(expected)]);
  const [state] = rows;
  const announced = (client as pg.Client & { processID?: number | null }).processID ?? 0;
  if (state === undefined || state.pid !== announced) {
    throw poolerInBetween(options, `it announces process ${announced}, and process ${state?.pid} answers`);
  }
  if (settings === undefined) return;
  const { unknown } = learnt.get(addressOf(options.endpoint)) ?? {};
  const differing = deviations(expected, state).filter(
    ({ name }) => unknown?.has(name) !== true || name in neutralSettings(),
  );
  if (differing.length > 0) throw new NotNeutral(differing);
}

/** Without its cause: a protocol violation counts as a broken connection elsewhere, and a pooler stays one. */
function poolerInBetween({ endpoint }: ConnectOptions, evidence: string): ServiceError {
  const server = addressOf(endpoint);
  return new ServiceError(
    "PoolerInBetween",
    `${server} is a connection pooler, not the PostgreSQL server itself (${evidence}). A migration needs sessions of its own: give the server's own ` +
      "address and port (PgBouncer of Azure Database for PostgreSQL listens on 6432, the server on 5432; other providers call it the direct or " +
      "unpooled connection).",
    { target: server },
  );
}

function addressOf({ host, port }: ServerEndpoint): string {
  return `${host}:${port}`;
}

function tlsOptions(endpoint: ServerEndpoint): ConnectionOptions {
  const certificates = rootCertificates(endpoint.host);
  switch (endpoint.sslMode) {
    case "Prefer":
      return { rejectUnauthorized: false };
    case "Require":
      // As libpq: roots that are set are for being checked against.
      return certificates.ca === undefined
        ? { rejectUnauthorized: false }
        : { ...certificates, rejectUnauthorized: true, checkServerIdentity: () => undefined };
    case "VerifyCA":
      return { ...certificates, rejectUnauthorized: true, checkServerIdentity: () => undefined };
    case "VerifyFull":
      return { ...certificates, rejectUnauthorized: true };
  }
}

function rootCertificates(host: string): { ca?: string[] } {
  const configured = settings().sslRootCertificate;
  if (configured === undefined) return {};
  const own = configured.includes("-----BEGIN") ? configured : readFileSync(configured, "utf8");
  // Those of one's own are for one's own servers: Azure's have certificates that every machine can check.
  return { ca: /\.postgres\.database\.azure\.com\.?$/i.test(host) ? [own, ...systemRoots] : [own] };
}

function refusesTls(error: unknown): boolean {
  return error instanceof Error && error.message.includes("does not support SSL connections");
}

function explain(error: unknown, options: ConnectOptions): ServiceError {
  const { endpoint, database } = options;
  if (error instanceof ServiceError) return error;
  const server = addressOf(endpoint);
  const { code, message } = errorDetails(error);
  const told = (name: string, remedy: string) =>
    new ServiceError(name, `${server}: ${message}. ${remedy}`, { target: server, cause: error });
  if (refusesTls(error)) {
    return told(
      "TlsNotSupported",
      `sslMode ${endpoint.sslMode} needs TLS, and whatever answers there does not offer it: enable ssl on the server. If it is enabled, something in between is in the way.`,
    );
  }
  if (isPoolersRefusal(message)) return poolerInBetween(options, message);
  if (error instanceof NotNeutral) {
    return told(
      "SettingNotKept",
      "It was asked for otherwise when the session began: a login event trigger, an extension in session_preload_libraries, a proxy or a right that is " +
        `missing keeps it from being so, and rows could arrive changed. Let sessions of ${endpoint.user} have the settings that they ask for.`,
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
  if (error instanceof ProtocolViolation) {
    return told(
      "ProtocolViolation",
      "What answers there is no PostgreSQL server, or something in between alters its messages: check the address, and choose sslMode VerifyFull.",
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
        "and use the name that the certificate bears. A certificate that has expired has to be renewed. If all of this is in order, somebody else answers.",
    );
  }
  if (code.startsWith("57P") || code.startsWith("53"))
    return told("ConnectionRefused", "Try again when the server accepts connections.");
  return told("ServerUnreachable", "Check host, port, network rules and that the server runs.");
}

/** PgBouncer's own words, also of its administrator's and its later versions. The server itself would take both. */
function isPoolersRefusal(message: string): boolean {
  return /unsupported startup parameter|pgbouncer cannot connect/i.test(message);
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
