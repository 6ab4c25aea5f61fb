/** The subscription on the target that applies what the source's slot sends. */
import type { ClientBase } from "pg";
import { DatabaseError } from "pg";
import type { ServerEndpoint, SslMode } from "../model/migration.js";
import type { ReplicationNames } from "../model/replication-names.js";
import { ServiceError } from "../model/service-error.js";
import { quoteIdentifier, quoteLiteral } from "./identifiers.js";
import { publisherOptions } from "./session-settings.js";
import { keepOutOfServerLog, runUnlogged } from "./unlogged-statement.js";

/** How the target reaches the source. */
export interface Publisher {
  readonly endpoint: ServerEndpoint;
  readonly database: string;
  readonly password: string;
  /** The source's major version. */
  readonly major: number;
  /** Path of a file on the target server, or "system", for VerifyCA and VerifyFull; libpq's own default when left out. */
  readonly rootCertificate?: string | undefined;
}

const libpqSslModes: Record<SslMode, string> = {
  Prefer: "prefer",
  Require: "require",
  VerifyCA: "verify-ca",
  VerifyFull: "verify-full",
};

/**
 * The connection string of the target's worker. Keepalives and TCP's user timeout let it notice within half a minute that the network is gone.
 * Every value is quoted (PostgreSQL docs, "Keyword/Value Connection Strings").
 */
export function publisherConnection(publisher: Publisher, applicationName: string): string {
  const { endpoint } = publisher;
  const parameters: Record<string, string | undefined> = {
    host: endpoint.host,
    port: String(endpoint.port),
    user: endpoint.user,
    password: publisher.password,
    dbname: publisher.database,
    application_name: applicationName,
    sslmode: libpqSslModes[endpoint.sslMode],
    sslrootcert: publisher.rootCertificate,
    connect_timeout: "10",
    keepalives_idle: "10",
    keepalives_interval: "5",
    keepalives_count: "4",
    options: publisherOptions(publisher.major),
  };
  return Object.entries(parameters)
    .flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}='${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`],
    )
    .join(" ");
}

const subscriptionExists = `
  select
  from pg_catalog.pg_subscription
  where subname = $1
    and subdbid = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
`;

/** Whether the run's subscription is there. */
export async function hasSubscription(target: ClientBase, names: ReplicationNames): Promise<boolean> {
  return (await target.query(subscriptionExists, [names.subscription])).rowCount !== 0;
}

/**
 * Creates the subscription of a run on its slot, and lets it begin. Run again, it finds it.
 * @throws ServiceError SubscriptionFailed: the target may not subscribe, or cannot reach the source.
 */
export async function createSubscription(
  target: ClientBase,
  names: ReplicationNames,
  publisher: Publisher,
): Promise<void> {
  if (await hasSubscription(target, names)) return;
  const connection = publisherConnection(publisher, names.subscription);
  await keepOutOfServerLog(target);
  try {
    await runWithin(
      target,
      `
      create subscription ${quoteIdentifier(names.subscription)}
      connection ${quoteLiteral(connection)}
      publication ${quoteIdentifier(names.allChanges)}, ${quoteIdentifier(names.insertsOnly)}
      with (copy_data = false, create_slot = false, enabled = true, slot_name = ${quoteIdentifier(names.slot)})
      `,
    );
  } catch (error) {
    // 42710: another runner was quicker.
    if (error instanceof DatabaseError && error.code === "42710") return;
    throw subscriptionFailed(error, publisher);
  }
}

/** Has the subscription reach the source otherwise from now on: its worker starts anew. Does nothing when there is none. */
export async function setPublisher(target: ClientBase, names: ReplicationNames, publisher: Publisher): Promise<void> {
  if (!(await hasSubscription(target, names))) return;
  const connection = publisherConnection(publisher, names.subscription);
  await keepOutOfServerLog(target);
  await runUnlogged(
    target,
    `alter subscription ${quoteIdentifier(names.subscription)} connection ${quoteLiteral(connection)}`,
  );
}

/**
 * Has the target connect to the source as its subscription will, and leaves nothing behind: a subscription to no table, which the target has none of yet,
 * is created in a transaction that is rolled back. (Naming no publication of the source's would be a warning in the log, with the statement.)
 * @throws ServiceError SubscriptionFailed as createSubscription() does.
 */
export async function tryPublisher(target: ClientBase, names: ReplicationNames, publisher: Publisher): Promise<void> {
  const connection = publisherConnection(publisher, names.subscription);
  await keepOutOfServerLog(target);
  await target.query("begin");
  try {
    await runWithin(
      target,
      `
      create subscription ${quoteIdentifier(names.subscription)}
      connection ${quoteLiteral(connection)}
      publication ${quoteIdentifier(names.nothing)}
      with (copy_data = false, create_slot = false, enabled = false, slot_name = none)
      `,
    );
  } catch (error) {
    throw subscriptionFailed(error, publisher);
  } finally {
    await target.query("rollback");
  }
}

/** query_canceled: the statement took too long. */
const queryCanceled = "57014";

/** prohibited_sql_statement_attempted: "password is required". */
const passwordNotAsked = "2F003";

/** A failure to connect may go away by itself, and isTransient() looks at the cause; what a certificate is refused for does not. */
function subscriptionFailed(error: unknown, { endpoint, rootCertificate }: Publisher): unknown {
  if (!(error instanceof DatabaseError)) return error;
  const words = error.code === queryCanceled ? `No answer within ${answerSeconds} s` : error.message;
  const failed = (remedy: string, cause?: unknown) =>
    new ServiceError("SubscriptionFailed", `${words}. ${remedy}`, { cause });
  if (error.code === "42501") {
    return failed(
      "Make the target user a superuser, or (PostgreSQL 16 and later) grant it pg_create_subscription and CREATE on the database.",
    );
  }
  if (error.code === passwordNotAsked) {
    return failed(
      "The source must ask the target server for the password (scram-sha-256 or md5 in its pg_hba.conf), for the target user is no superuser.",
    );
  }
  const reaches = `The target server itself must reach the source, which it looks for at ${endpoint.host}:${endpoint.port}`;
  if (/certificate/.test(error.message)) {
    return failed(
      `${reaches}, and checks the source's certificate for sslMode ${endpoint.sslMode}: set SOURCE_ROOT_CERTIFICATE_ON_TARGET (now ` +
        `${rootCertificate ?? "libpq's default"}) to the file on the target server that has the source's certificate authority, ` +
        "and SOURCE_ADDRESSES_FROM_TARGET to the name that the certificate bears.",
    );
  }
  return failed(
    `${reaches}: check its network rules, the source's pg_hba.conf, and SOURCE_ADDRESSES_FROM_TARGET if the source has another address there.`,
    error,
  );
}

/** A server that subscribes does not heed connect_timeout itself: an address that takes the connection and never answers would hold it for ever. */
const answerSeconds = 20;

/** Runs a statement that connects to the source with a password. */
async function runWithin(target: ClientBase, statement: string): Promise<void> {
  await target.query(`set statement_timeout = '${answerSeconds}s'`);
  await runUnlogged(target, statement);
  await target.query("set statement_timeout = 0");
}

export interface SubscriptionStatus {
  readonly enabled: boolean;
  /** Whether its worker runs at this moment. */
  readonly working: boolean;
  /** Times that its worker has failed; always 0 before PostgreSQL 15. */
  readonly errors: number;
}

const subscriptionStatus = (statistics: boolean) => `
  select
    s.subenabled as enabled,
    exists (
      select
      from pg_catalog.pg_stat_subscription as worker
      where worker.subid = s.oid
        and worker.pid is not null
    ) as working,
    ${statistics ? "coalesce((select apply_error_count from pg_catalog.pg_stat_subscription_stats where subid = s.oid), 0)" : "0"}::float8 as errors
  from pg_catalog.pg_subscription as s
  where s.subname = $1
`;

/** The subscription as it is now; undefined when there is none. */
export async function readSubscription(
  target: ClientBase,
  subscription: string,
  version: number,
): Promise<SubscriptionStatus | undefined> {
  return (await target.query<SubscriptionStatus>(subscriptionStatus(version >= 150_000), [subscription])).rows[0];
}

const appliedPoint = `
  select origin.remote_lsn::text as applied
  from pg_catalog.pg_replication_origin_status as origin
  join pg_catalog.pg_subscription as s on origin.external_id = 'pg_' || s.oid
  where s.subname = $1
`;

/** End of the last transaction that was applied, as the source counts: an LSN. Undefined before the first, and where we may not look (superusers may). */
export async function readAppliedPoint(target: ClientBase, subscription: string): Promise<string | undefined> {
  try {
    return (await target.query<{ applied: string }>(appliedPoint, [subscription])).rows[0]?.applied;
  } catch (error) {
    if (error instanceof DatabaseError && error.code === "42501") return undefined;
    throw error;
  }
}

/** Lets the subscription's worker run. */
export async function enableSubscription(target: ClientBase, subscription: string): Promise<void> {
  await target.query(`alter subscription ${quoteIdentifier(subscription)} enable`);
}

/** Stops the subscription's worker, and waits until it is gone. */
export async function stopSubscription(target: ClientBase, subscription: string, version: number): Promise<void> {
  await target.query(`alter subscription ${quoteIdentifier(subscription)} disable`);
  const deadline = Date.now() + 30_000;
  while ((await readSubscription(target, subscription, version))?.working === true && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const ourSubscriptions = `
  select subname as subscription
  from pg_catalog.pg_subscription
  where left(subname, length($1)) = $1
    and subdbid = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
`;

/**
 * Drops every subscription with this prefix from the database. The source is not asked: its slot is dropped there, by us. Converges.
 */
export async function dropSubscriptions(target: ClientBase, prefix: string): Promise<void> {
  const { rows } = await target.query<{ subscription: string }>(ourSubscriptions, [prefix]);
  for (const { subscription } of rows) {
    const name = quoteIdentifier(subscription);
    await target.query(`alter subscription ${name} disable`);
    await target.query(`alter subscription ${name} set (slot_name = none)`);
    await target.query(`drop subscription if exists ${name}`);
  }
}
