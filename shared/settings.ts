/** The app settings: environment variables, parsed once. Every error names the setting and says how to write it. */
import { hostname } from "node:os";
import { type AllowedAddresses, parseAllowedAddresses } from "./addresses/allowed-addresses.js";
import { ServiceError } from "./model/service-error.js";
import type { Verification } from "./model/verification.js";
import { settingsSchema } from "./settings-schema.js";

const MIB = 1024 * 1024;

/** How to reach the storage account: a connection string, or service addresses with an identity in place of a key. */
export type StorageConnection =
  | { readonly kind: "connectionString"; readonly connectionString: string }
  | {
      readonly kind: "identity";
      readonly tableServiceUri: string;
      readonly queueServiceUri: string;
      /** Client ID of a user-assigned managed identity; undefined for the system-assigned one or whatever the environment offers. */
      readonly clientId: string | undefined;
    };

export interface Settings {
  /** AzureWebJobsStorage, or AzureWebJobsStorage__accountName / __tableServiceUri and __queueServiceUri. Throws SettingMissing on reading if there is none. */
  readonly storageConnection: StorageConnection;
  /** SECRETS_KEY first, then SECRETS_KEYS_PREVIOUS: 32 bytes each. Throws SettingMissing on reading if there is none. */
  readonly secretsKeys: readonly [Buffer, ...Buffer[]];
  /** PART_SIZE_MB: a table above it is copied in parts of about this size. */
  readonly partSizeBytes: number;
  /** MAX_PARALLEL_COPIES: copy tasks at once, a database. */
  readonly maxParallelCopies: number;
  /** MAX_PARALLEL_INDEX_BUILDS: index builds at once, a database. */
  readonly maxParallelIndexBuilds: number;
  /** VERIFICATION: how tables are verified when a migration does not say. */
  readonly verification: Verification;
  /** VERIFY_AT_CUTOVER: how they are at an online migration's cutover when it does not say. */
  readonly verifyAtCutover: Verification;
  /** MAX_LONG_ACTIVITIES: copies, proofs and index builds at once, an instance. Below host.json's maxConcurrentActivityFunctions. */
  readonly maxLongActivities: number;
  /** ACTIVITY_BUDGET_SECONDS: what an activity may need before it must hand on. Below host.json's functionTimeout. */
  readonly activityBudgetSeconds: number;
  /** LOCK_WAITERS_LIMIT_SECONDS: how long a session of the source may wait for a table that the base copy holds, before the copy gives way. */
  readonly lockWaitersLimitSeconds: number;
  /** MIGRATION_TIMEOUT_DAYS: a migration that has not ended by then fails. */
  readonly migrationTimeoutDays: number;
  /** VALIDATION_RULE_TIMEOUT_SECONDS: a validation rule that has not ended by then is Failed. */
  readonly validationRuleTimeoutSeconds: number;
  /** CUTOVER_TIMEOUT_DAYS: how long an online migration waits for its cutover. */
  readonly cutoverTimeoutDays: number;
  /** CUTOVER_LIMIT_MINUTES: how long the target may need to reach the cutover point. */
  readonly cutoverLimitMinutes: number;
  /** CUTOVER_TRANSACTION_LIMIT_SECONDS: how long a cutover waits for transactions that are open on the source when it begins. */
  readonly cutoverTransactionLimitSeconds: number;
  /** SAMPLE_INTERVAL_SECONDS: how often an online migration that waits looks at its replication. */
  readonly sampleIntervalSeconds: number;
  /** LONGEST_TIMER_SECONDS: a longer wait of an orchestration is made of several timers. */
  readonly longestTimerSeconds: number;
  /** JANITOR_SCHEDULE: when the janitor makes its rounds, as NCRONTAB with seconds, in UTC. */
  readonly janitorSchedule: string;
  /** RETENTION_DAYS: a migration that ended longer ago is forgotten: its rows and its histories. */
  readonly retentionDays: number;
  /** REFRESH_MATERIALIZED_VIEWS: whether a cutover fills the target's materialized views again. */
  readonly refreshMaterializedViews: boolean;
  /** SOURCE_ADDRESSES_FROM_TARGET: sources that the target server reaches under another address, "host:port" to "host:port". */
  readonly sourceAddressesFromTarget: ReadonlyMap<string, string>;
  /** SERVER_ADMINISTRATORS: the user of a server that a request names none for: host, host:port or Azure server name, in lower case, to user; "*" is any. */
  readonly serverAdministrators: ReadonlyMap<string, string>;
  /** CLEAR_TEXT_PASSWORDS: whether a server that was not verified is given its password as it is when it asks for that. */
  readonly clearTextPasswords: boolean;
  /** ROW_VALUES_IN_ERRORS: whether errors may quote values of rows. */
  readonly rowValuesInErrors: boolean;
  /** ALLOWED_ADDRESSES: what the service connects to, of what callers name. */
  readonly allowedAddresses: AllowedAddresses;
  /** WEBSITE_AUTH_ENABLED, which App Service sets: callers are signed in by the platform, and their app roles count. */
  readonly platformSignIn: boolean;
  /** SOURCE_ROOT_CERTIFICATE_ON_TARGET: for sslMode VerifyCA and VerifyFull, a file of the target server, or "system"; libpq's default if undefined. */
  readonly sourceRootCertificateOnTarget: string | undefined;
  /** SSL_ROOT_CERTIFICATE: PEM text or the path of a PEM file, for sslMode Require, VerifyCA and VerifyFull. */
  readonly sslRootCertificate: string | undefined;
  /** PG_DUMP_PATH: a native pg_dump (18) to use instead of the WebAssembly one. */
  readonly pgDumpPath: string | undefined;
  /** The function-app instance (worker process) that this is. */
  readonly instance: string;
}

let parsed: Settings | undefined;

/**
 * This process's settings, parsed on the first call.
 * @throws ServiceError SettingInvalid or SettingMissing, listing every wrong setting.
 */
export function settings(): Settings {
  parsed ??= readSettings(process.env);
  return parsed;
}

/** Parses settings from an environment; an empty value counts as absent. */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const present = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value.trim() !== ""),
  );
  const limits = settingsSchema.safeParse(present);
  if (!limits.success) {
    const problems = limits.error.issues.map((issue) => `${issue.path.join(".")} ${issue.message}`);
    throw new ServiceError("SettingInvalid", `Wrong app settings: ${problems.join("; ")}.`);
  }
  const read = (name: string): string | undefined => present[name]?.trim();
  const {
    PART_SIZE_MB,
    MAX_PARALLEL_COPIES,
    MAX_PARALLEL_INDEX_BUILDS,
    MAX_LONG_ACTIVITIES,
    VERIFICATION,
    VERIFY_AT_CUTOVER,
    ACTIVITY_BUDGET_SECONDS,
    LOCK_WAITERS_LIMIT_SECONDS,
    MIGRATION_TIMEOUT_DAYS,
    VALIDATION_RULE_TIMEOUT_SECONDS,
    CUTOVER_TIMEOUT_DAYS,
    CUTOVER_LIMIT_MINUTES,
    CUTOVER_TRANSACTION_LIMIT_SECONDS,
    SAMPLE_INTERVAL_SECONDS,
    LONGEST_TIMER_SECONDS,
    JANITOR_SCHEDULE,
    RETENTION_DAYS,
    REFRESH_MATERIALIZED_VIEWS,
    SOURCE_ADDRESSES_FROM_TARGET,
    SERVER_ADMINISTRATORS,
    CLEAR_TEXT_PASSWORDS,
    ROW_VALUES_IN_ERRORS,
    ALLOWED_ADDRESSES,
    WEBSITE_AUTH_ENABLED,
  } = limits.data;
  return {
    // Read late: code that never touches Storage or secrets runs without these settings.
    get storageConnection() {
      return storageConnection(read);
    },
    get secretsKeys() {
      return secretsKeys(read);
    },
    partSizeBytes: Math.max(1, Math.round(PART_SIZE_MB * MIB)),
    maxParallelCopies: MAX_PARALLEL_COPIES,
    maxParallelIndexBuilds: MAX_PARALLEL_INDEX_BUILDS,
    maxLongActivities: MAX_LONG_ACTIVITIES,
    verification: VERIFICATION,
    verifyAtCutover: VERIFY_AT_CUTOVER,
    activityBudgetSeconds: ACTIVITY_BUDGET_SECONDS,
    lockWaitersLimitSeconds: LOCK_WAITERS_LIMIT_SECONDS,
    migrationTimeoutDays: MIGRATION_TIMEOUT_DAYS,
    validationRuleTimeoutSeconds: VALIDATION_RULE_TIMEOUT_SECONDS,
    cutoverTimeoutDays: CUTOVER_TIMEOUT_DAYS,
    cutoverLimitMinutes: CUTOVER_LIMIT_MINUTES,
    cutoverTransactionLimitSeconds: CUTOVER_TRANSACTION_LIMIT_SECONDS,
    sampleIntervalSeconds: SAMPLE_INTERVAL_SECONDS,
    longestTimerSeconds: LONGEST_TIMER_SECONDS,
    janitorSchedule: JANITOR_SCHEDULE,
    retentionDays: RETENTION_DAYS,
    refreshMaterializedViews: REFRESH_MATERIALIZED_VIEWS,
    sourceAddressesFromTarget: SOURCE_ADDRESSES_FROM_TARGET,
    serverAdministrators: SERVER_ADMINISTRATORS,
    clearTextPasswords: CLEAR_TEXT_PASSWORDS,
    rowValuesInErrors: ROW_VALUES_IN_ERRORS,
    // On Azure loopback is the worker itself and the platform's own services; elsewhere it is where a database of this machine listens.
    allowedAddresses:
      ALLOWED_ADDRESSES ??
      parseAllowedAddresses(read("WEBSITE_SITE_NAME") === undefined ? "public, private, loopback" : "public, private"),
    platformSignIn: WEBSITE_AUTH_ENABLED,
    sourceRootCertificateOnTarget: read("SOURCE_ROOT_CERTIFICATE_ON_TARGET"),
    sslRootCertificate: read("SSL_ROOT_CERTIFICATE"),
    pgDumpPath: read("PG_DUMP_PATH"),
    instance: read("WEBSITE_INSTANCE_ID") ?? `${hostname()}:${process.pid}`,
  };
}

function storageConnection(read: (name: string) => string | undefined): StorageConnection {
  const connectionString = read("AzureWebJobsStorage");
  if (connectionString !== undefined) return { kind: "connectionString", connectionString };
  // The names are those of the Functions host's identity-based connections.
  const account = read("AzureWebJobsStorage__accountName");
  const tableServiceUri =
    read("AzureWebJobsStorage__tableServiceUri") ?? (account && `https://${account}.table.core.windows.net`);
  const queueServiceUri =
    read("AzureWebJobsStorage__queueServiceUri") ?? (account && `https://${account}.queue.core.windows.net`);
  if (tableServiceUri === undefined || queueServiceUri === undefined) {
    throw new ServiceError(
      "SettingMissing",
      "Set AzureWebJobsStorage to a connection string, or AzureWebJobsStorage__tableServiceUri and AzureWebJobsStorage__queueServiceUri to use an identity.",
      { target: "AzureWebJobsStorage" },
    );
  }
  return { kind: "identity", tableServiceUri, queueServiceUri, clientId: read("AzureWebJobsStorage__clientId") };
}

function secretsKeys(read: (name: string) => string | undefined): readonly [Buffer, ...Buffer[]] {
  const current = read("SECRETS_KEY");
  if (current === undefined) {
    throw new ServiceError(
      "SettingMissing",
      "Set SECRETS_KEY to the base64 of 32 random bytes (openssl rand -base64 32); in production as a Key Vault reference.",
      { target: "SECRETS_KEY" },
    );
  }
  const previous = (read("SECRETS_KEYS_PREVIOUS") ?? "").split(",").filter((text) => text.trim() !== "");
  return [secretsKey("SECRETS_KEY", current), ...previous.map((text) => secretsKey("SECRETS_KEYS_PREVIOUS", text))];
}

function secretsKey(setting: string, base64: string): Buffer {
  const key = Buffer.from(base64.trim(), "base64");
  // The value itself must not appear in the message: it is a secret.
  if (key.length !== 32) {
    throw new ServiceError(
      "SettingInvalid",
      `${setting} must be the base64 of 32 bytes (openssl rand -base64 32); it has ${key.length} bytes.`,
      { target: setting },
    );
  }
  return key;
}
