/**
 * ARM's Migration resource as every verb answers it. Names, types and formats are the specification's (Microsoft.DBforPostgreSQL,
 * api-version 2025-08-01): generated clients of Go, Java and C# read int32 fields into 32 bits and fail on anything else.
 */
import { z } from "zod";
import { documented } from "./documented.js";
import { migrationModes, migrationOptions, sslModes } from "./migration.js";
import { databaseStates, migrationStates, migrationSubstates, validationStates } from "./states.js";
import { Verification } from "./verification.js";

/** The largest int32: counters stop there. */
export const maximumInt32 = 2_147_483_647;

const time = z.iso.datetime();
const text = z.string();
const count = z.int32().nonnegative();
const flag = z.enum(["True", "False"]);
const names = z.array(z.string());

const ValidationMessage = z.strictObject({
  state: documented(z.enum(validationStates).optional(), "How grave the message is."),
  message: documented(text.optional(), "What was found, and what to do about it."),
});

const ValidationSummary = z.strictObject({
  type: documented(text.optional(), "The rule's title.", { azure: "A fixed list of names of its own rules." }),
  state: documented(z.enum(validationStates).optional(), "The rule's outcome."),
  messages: documented(
    z.array(ValidationMessage).optional(),
    "What the rule found; empty when there is nothing to say.",
  ),
});

const DatabaseValidation = z.strictObject({
  databaseName: documented(text.optional(), "The database."),
  startedOn: documented(time.optional(), "When its first rule began."),
  endedOn: documented(time.optional(), "When its last rule ended; absent while rules are still to be checked."),
  summary: documented(z.array(ValidationSummary).optional(), "A rule each, what needs attention first."),
});

const ValidationDetails = z.strictObject({
  status: documented(
    z.enum(validationStates).optional(),
    "The gravest outcome; absent while rules are being checked. A validation that ended before all were is never `Succeeded`.",
  ),
  validationStartTimeInUtc: documented(time.optional(), "When the first rule began."),
  validationEndTimeInUtc: documented(
    time.optional(),
    "When the last rule ended; absent while rules are being checked, and when not all were.",
  ),
  serverLevelValidationDetails: documented(z.array(ValidationSummary).optional(), "The rules about both servers."),
  dbLevelValidationDetails: documented(z.array(DatabaseValidation).optional(), "The rules about each database."),
});

const DatabaseDetails = z.strictObject({
  databaseName: documented(text.optional(), "The database."),
  migrationState: documented(z.enum(databaseStates).optional(), "Its state."),
  migrationOperation: documented(
    z.enum(migrationOptions).optional(),
    "What is done: the migration's `migrationOption`.",
  ),
  startedOn: documented(time.optional(), "When work on it began."),
  endedOn: documented(time.optional(), "When it came to its end."),
  fullLoadQueuedTables: documented(count.optional(), "Tables of the base copy that wait."),
  fullLoadErroredTables: documented(count.optional(), "Tables that could not be copied."),
  fullLoadLoadingTables: documented(count.optional(), "Tables that are being copied."),
  fullLoadCompletedTables: documented(count.optional(), "Tables that are in."),
  cdcUpdateCounter: documented(
    count.optional(),
    "Online: rows updated on the target since the base copy. Stops at 2,147,483,647.",
  ),
  cdcDeleteCounter: documented(count.optional(), "Online: rows deleted, likewise."),
  cdcInsertCounter: documented(count.optional(), "Online: rows inserted, likewise."),
  appliedChanges: documented(
    count.optional(),
    "Online: bytes of the source's WAL since the snapshot that the target has applied. Of more than 2,147,483,647 only the distance to `incomingChanges` is told; `GET …/databases` has both in full.",
    { azure: "A counter of changes; the specification says no more." },
  ),
  incomingChanges: documented(
    count.optional(),
    "Online: bytes of WAL that the source has written since the snapshot. Stops at 2,147,483,647.",
    { azure: "A counter of changes; the specification says no more." },
  ),
  latency: documented(
    count.optional(),
    "Online: seconds, rounded: the age of the oldest commit that is not applied. `GET …/databases` has tenths.",
    { azure: "Seconds; the portal shows minutes." },
  ),
  message: documented(text.optional(), "The first error and every warning, a line each."),
});

const MigrationStatus = z.strictObject({
  state: documented(z.enum(migrationStates).optional(), "The migration's state."),
  error: documented(text.optional(), "Why it failed, or what it waits for and what to do."),
  currentSubStateDetails: z
    .strictObject({
      currentSubState: documented(
        z.enum(migrationSubstates).optional(),
        "What it is doing or waiting for; `Completed` once it has ended, however it did.",
      ),
      dbDetails: documented(z.record(z.string(), DatabaseDetails).optional(), "Each database by its name."),
      validationDetails: documented(ValidationDetails.optional(), "The rules' outcomes, once there is one."),
    })
    .optional(),
});

const ServerMetadata = z.strictObject({
  location: documented(text.optional(), "The server's Azure region, where its name or resource tells it."),
  version: documented(text.optional(), "Major version of PostgreSQL."),
  storageMb: documented(count.optional(), "Not answered: no SQL tells it."),
  sku: documented(z.looseObject({}).optional(), "Not answered: no SQL tells it."),
});

export const MigrationResource = z.strictObject({
  id: documented(text, "The resource ID: the migration's path."),
  name: documented(text, "The migration's name, as it was first written."),
  type: documented(z.literal("Microsoft.DBforPostgreSQL/flexibleServers/migrations"), "The resource type."),
  location: documented(text, "As the PUT gave it; `local` without."),
  tags: documented(z.record(z.string(), z.string()).optional(), "Tags."),
  systemData: documented(
    z.strictObject({
      createdAt: documented(time.optional(), "When the migration was created."),
      createdBy: documented(text.optional(), "Who created it, where the platform signs callers in."),
      createdByType: documented(z.literal("User").optional(), "`User`, with `createdBy`."),
      lastModifiedBy: documented(text.optional(), "Who changed it last, likewise."),
      lastModifiedByType: documented(z.literal("User").optional(), "`User`, with `lastModifiedBy`."),
      lastModifiedAt: documented(time.optional(), "When it last changed state or was changed."),
    }),
    "ARM's record of creation and change.",
  ),
  properties: z.strictObject({
    migrationId: documented(z.uuid(), "A new one for every migration."),
    currentStatus: MigrationStatus,
    startTime: documented(time, "When the migration began: the order of lists.", { added: true }),
    endTime: documented(time.optional(), "When it ended.", { added: true }),
    duration: documented(
      z.iso.duration(),
      "From `startTime` to `endTime`, or to now: ISO 8601, whole seconds, e.g. `PT2H14M6S`.",
      { added: true },
    ),
    migrationInstanceResourceId: text.optional(),
    migrationMode: z.enum(migrationModes),
    migrationOption: z.enum(migrationOptions),
    sourceType: text,
    sslMode: z.enum(sslModes),
    targetSslMode: z.enum(sslModes),
    sourceAuthentication: z.literal("Entra").optional(),
    targetAuthentication: z.literal("Entra").optional(),
    sourceDbServerMetadata: documented(ServerMetadata.optional(), "What the source is, once it has been reached."),
    targetDbServerMetadata: documented(ServerMetadata.optional(), "What the target is, once it has been reached."),
    sourceDbServerResourceId: text.optional(),
    sourceDbServerFullyQualifiedDomainName: text.optional(),
    targetDbServerResourceId: documented(text, "The resource ID of the target server: the first part of the path."),
    targetDbServerFullyQualifiedDomainName: text.optional(),
    dbsToMigrate: names,
    overwriteDbsInTarget: flag,
    migrateRoles: flag,
    verification: documented(Verification.optional(), "How the tables are verified.", { added: true }),
    verifyAtCutover: documented(Verification.optional(), "How they are at the cutover of an online migration.", {
      added: true,
    }),
    notifications: documented(
      z
        .strictObject({
          origin: documented(text, "Where events are sent to: scheme, host and port.", { added: true }),
          problem: documented(text.optional(), "What is in the way of the latest one that did not get through.", {
            added: true,
          }),
        })
        .optional(),
      "The webhook, when there is one.",
      { added: true },
    ),
    setupLogicalReplicationOnSourceDbIfNeeded: flag,
    startDataMigration: flag,
    migrationWindowStartTimeInUtc: time.optional(),
    migrationWindowEndTimeInUtc: time.optional(),
    triggerCutover: flag,
    dbsToTriggerCutoverOn: names,
    cancel: flag,
    dbsToCancelMigrationOn: names,
  }),
});
export type MigrationResource = z.infer<typeof MigrationResource>;

/** One page of a list. */
export const MigrationList = z.strictObject({
  value: documented(z.array(MigrationResource), "The page's migrations, newest start first."),
  nextLink: documented(z.url().optional(), "Where the next page is; absent on the last."),
});
