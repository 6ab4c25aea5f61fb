/** What the app settings are, each with its default and a sentence: docs/settings.md is made from this. */
import { z } from "zod";
import { parseAllowedAddresses } from "./addresses/allowed-addresses.js";
import { verifications } from "./model/verification.js";

const positive = (what: string) => z.coerce.number({ error: what }).positive({ error: what }).finite({ error: what });
const positiveInteger = (what: string) =>
  z.coerce.number({ error: what }).int({ error: what }).positive({ error: what });

const verification = (what: string) =>
  z
    .string()
    .transform((text) => verifications.find((one) => one.toLowerCase() === text.toLowerCase()) ?? text)
    .pipe(z.enum(verifications, { error: what }));

/** Values as the environment has them; every error says how to write the setting. */
export const settingsSchema = z.object({
  SOURCE_ROOT_CERTIFICATE_ON_TARGET: z.string().optional().meta({
    description: "for `VerifyCA` and `VerifyFull`: a file on the target server, or `system` (16 and later)",
    default: "libpq's",
  }),
  AzureWebJobsStorage: z.string().optional().meta({
    description: "connection string; or `AzureWebJobsStorage__accountName` with a managed identity",
    default: "UseDevelopmentStorage=true: Azurite",
  }),
  SECRETS_KEY: z.string().optional().meta({
    description:
      "base64 of 32 bytes that seal the passwords at rest. In production a Key Vault reference: `@Microsoft.KeyVault(SecretUri=…)`",
    default: "generated",
  }),
  SECRETS_KEYS_PREVIOUS: z
    .string()
    .optional()
    .meta({ description: "former keys, comma-separated, so that running migrations survive a rotation" }),
  PG_DUMP_PATH: z
    .string()
    .optional()
    .meta({ description: "a native pg_dump 18 to read schemas with, instead of the WebAssembly one" }),
  SSL_ROOT_CERTIFICATE: z.string().optional().meta({
    description: "CA certificates (PEM text or a path) for `sslMode` `Require`, `VerifyCA` and `VerifyFull`",
    default: "the system's",
  }),
  Prefer: z
    .string()
    .optional()
    .meta({ description: "taken | taken | all, and may change all: it proves nothing", default: "taken, in plain" }),
  Require: z.string().optional().meta({
    description: "taken; refused where `SSL_ROOT_CERTIFICATE` is set | taken | all, unless the certificate is checked",
    default: "refused",
  }),
  VerifyCA: z.string().optional().meta({
    description: "refused | taken | nothing, but for who has a certificate of the same authority",
    default: "refused",
  }),
  VerifyFull: z.string().optional().meta({ description: "refused | refused | nothing", default: "refused" }),
  PART_SIZE_MB: positive("must be a size in MB above 0, e.g. 256").default(256).meta({
    description:
      "a table above it is copied in parts of about this size; one that proves too slow for an activity is cut further",
  }),
  MAX_PARALLEL_COPIES: positiveInteger("must be a whole number above 0, e.g. 4")
    .default(4)
    .meta({ description: "copy tasks at once, a database" }),
  MAX_PARALLEL_INDEX_BUILDS: positiveInteger("must be a whole number above 0, e.g. 2")
    .default(2)
    .meta({ description: "index builds at once, a database" }),
  MAX_LONG_ACTIVITIES: positiveInteger(
    "must be a whole number above 0, below host.json's maxConcurrentActivityFunctions, e.g. 5",
  )
    .default(5)
    .meta({
      description:
        "copies, proofs and index builds at once, an instance; below host.json's `maxConcurrentActivityFunctions` (8), so that relays, samples and commands find a place",
    }),
  VERIFICATION: verification("must be Checksums or Counts").default("Checksums").meta({
    description: "how tables are verified when a migration's `verification` does not say: `Checksums` or `Counts`",
  }),
  VERIFY_AT_CUTOVER: verification("must be Checksums or Counts")
    .default("Counts")
    .meta({ description: "how they are at an online cutover, unless `verifyAtCutover` says" }),
  ACTIVITY_BUDGET_SECONDS: positive("must be a number of seconds above 0 and below functionTimeout, e.g. 300")
    .default(300)
    .meta({
      description: "what one activity may take before it hands on; half of host.json's `functionTimeout` at most",
    }),
  LOCK_WAITERS_LIMIT_SECONDS: positive("must be a number of seconds above 0, e.g. 10").default(10).meta({
    description:
      "how long a TRUNCATE or ALTER of the source may wait for the base copy before the copy [gives way](operations.md#applications-go-on); at most two fifths of the budget",
  }),
  MIGRATION_TIMEOUT_DAYS: positive("must be a number of days above 0, e.g. 7")
    .default(7)
    .meta({ description: "a migration that has not ended by then fails" }),
  VALIDATION_RULE_TIMEOUT_SECONDS: positive("must be a number of seconds above 0, e.g. 60")
    .default(60)
    .meta({ description: "a validation rule that has not ended by then is Failed" }),
  CUTOVER_TIMEOUT_DAYS: positive("must be a number of days above 0, e.g. 3")
    .default(3)
    .meta({ description: "how long it waits for the cutover before it fails" }),
  CUTOVER_LIMIT_MINUTES: positive("must be a number of minutes above 0, e.g. 1440")
    .default(1_440)
    .meta({ description: "how long the target may need to reach the cutover point" }),
  CUTOVER_TRANSACTION_LIMIT_SECONDS: positive("must be a number of seconds above 0, e.g. 60")
    .default(60)
    .meta({ description: "how long a cutover waits for transactions that are open on the source" }),
  SAMPLE_INTERVAL_SECONDS: positive("must be a number of seconds above 0, e.g. 15")
    .default(15)
    .meta({ description: "how often a migration that waits looks at its replication" }),
  LONGEST_TIMER_SECONDS: positive("must be a number of seconds between 1 and 86400 (a day)")
    .min(1, "must be a number of seconds between 1 and 86400 (a day)")
    .max(86_400, "must be a number of seconds between 1 and 86400 (a day)")
    .default(86_400)
    .meta({ description: "a longer wait of an orchestration is made of several timers of at most this length" }),
  JANITOR_SCHEDULE: z
    .string()
    .trim()
    .regex(/^\S+( +\S+){5}$/, 'must have six fields, second first, e.g. "0 * * * * *"')
    .default("0 * * * * *")
    .meta({
      description: "when migrations are looked for that nobody works on any more (operations.md): NCRONTAB, UTC",
    }),
  RETENTION_DAYS: positive("must be a number of days above 0, e.g. 90")
    .default(90)
    .meta({ description: "a migration that ended longer ago is forgotten, and its name is free" }),
  REFRESH_MATERIALIZED_VIEWS: z
    .string()
    .regex(/^(true|false)$/i, "must be true or false")
    .default("true")
    .transform((text) => text.toLowerCase() === "true")
    .meta({ description: "whether a cutover refreshes them" }),
  SOURCE_ADDRESSES_FROM_TARGET: z
    .string()
    .regex(
      /^\s*[^\s,=]+:\d+=[^\s,=]+:\d+(\s*,\s*[^\s,=]+:\d+=[^\s,=]+:\d+)*\s*$/,
      "must be a list of host:port=host:port, e.g. db.internal:5432=10.1.2.3:5432",
    )
    .default("")
    .transform((text) => new Map(text.split(",").flatMap((pair) => addressPair(pair))))
    .meta({ description: "`host:port=host:port, …`: sources that the target server reaches under another address" }),
  SERVER_ADMINISTRATORS: z
    .string()
    .regex(
      /^\s*[^\s,=]+=[^\s,=]+(\s*,\s*[^\s,=]+=[^\s,=]+)*\s*$/,
      "must be a list of server=user, e.g. my-target=pgadmin, db.internal:5432=postgres",
    )
    .default("")
    .transform((text) => {
      const pairs = text.split(",").flatMap((pair) => addressPair(pair));
      return new Map(pairs.map(([server, user]): [string, string] => [server.toLowerCase(), user]));
    })
    .meta({
      description:
        "`server=user, …`: the user of a source or target (host, `host:port`, Azure server name, or `*`) that a request names none for; without, the one of the newest migration to that target",
    }),
  CLEAR_TEXT_PASSWORDS: z
    .enum(["verified", "always"], { error: "must be verified or always" })
    .default("verified")
    .transform((text) => text === "always")
    .meta({
      description:
        "`always`: a server that was not verified gets its password in clear text, too, when it asks for that",
    }),
  ROW_VALUES_IN_ERRORS: z
    .string()
    .regex(/^(true|false)$/i, "must be true or false")
    .default("false")
    .transform((text) => text.toLowerCase() === "true")
    .meta({
      description: "whether errors may quote values of rows: they are in answers, events, storage and logs then",
    }),
  ALLOWED_ADDRESSES: z
    .string()
    .optional()
    .transform((text, context) => {
      try {
        return text === undefined ? undefined : parseAllowedAddresses(text);
      } catch {
        context.addIssue("must be a list of public, private, loopback and ranges, e.g. private, 203.0.113.0/24");
        return z.NEVER;
      }
    })
    .meta({
      description:
        "what servers that callers name may have for addresses, also ranges such as `10.1.0.0/16`. Link-local addresses and platforms' metadata never",
    }),
  WEBSITE_AUTH_ENABLED: z
    .string()
    .default("")
    .transform((text) => /^(true|1)$/i.test(text.trim()))
    .meta({
      description: "set by App Service when its sign-in is on: callers are known then, and their app roles count",
    }),
});

function addressPair(pair: string): [string, string][] {
  const [from, to] = pair.trim().split("=");
  return from === undefined || to === undefined ? [] : [[from, to]];
}
