/** The body of PUT …/migrations/{name}: ARM's Migration resource, parsed into what the service carries out. */
import { z } from "zod";
import { DatabaseNames, DatabasesToMigrate } from "./database-name.js";
import { documented } from "./documented.js";
import { Flag } from "./flag.js";
import {
  type MigrationOption,
  type MigrationSpec,
  migrationModes,
  migrationOptions,
  type ServerPasswords,
} from "./migration.js";
import type { MigrationPath } from "./migration-path.js";
import { Notifications } from "./notifications.js";
import { RequestError, type RequestProblem, refuseIfAny } from "./request-error.js";
import { fieldError, fieldOf, isObject, oneOf, problem, readProperties } from "./request-properties.js";
import { sameServer } from "./server-address.js";
import {
  type AdministratorOf,
  addressShape,
  formerNames,
  isEntra,
  SecretParameters,
  type SourceType,
  secretParametersFor,
  sourceEndpoint,
  sourceTypeOf,
  targetEndpoint,
  userNamesIn,
} from "./server-fields.js";
import { verifications } from "./verification.js";

const twoValued = '"True" or "False", or a Boolean';

/** As `az postgres flexible-server migration create` has it. */
const defaultOption: MigrationOption = "ValidateAndMigrate";

export interface MigrationRequest {
  readonly spec: MigrationSpec;
  readonly passwords: ServerPasswords;
  readonly location: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly sourceType: SourceType;
  /** The addresses as the request wrote them. */
  readonly sourceDbServerResourceId: string | undefined;
  readonly sourceDbServerFullyQualifiedDomainName: string | undefined;
  readonly targetDbServerFullyQualifiedDomainName: string | undefined;
  /** Azure's runtime server for sources behind private endpoints: kept and answered, this service reaches a source from its own network. */
  readonly migrationInstanceResourceId: string | undefined;
  readonly notifications: Notifications | undefined;
  /** What a PUT may only repeat of a migration that has got so far. */
  readonly asked: {
    readonly triggerCutover: boolean;
    readonly dbsToTriggerCutoverOn: readonly string[];
    readonly cancel: boolean;
    readonly dbsToCancelMigrationOn: readonly string[];
  };
}

export const Tags = z
  .record(z.string(), z.string({ error: "must be a string" }), {
    error: 'must be an object of strings, e.g. {"team":"data"}',
  })
  .refine((tags) => Object.keys(tags).length <= 50, {
    error: "has more than 50 entries: remove some",
  });

/** A point in time; UTC unless it says otherwise. Parsed to ISO 8601 with Z. */
export const UtcTime = z
  .string({ error: "must be a time in ISO 8601, UTC, e.g. 2030-01-31T22:00:00Z" })
  .pipe(
    z.iso.datetime({ offset: true, local: true, error: "must be a time in ISO 8601, UTC, e.g. 2030-01-31T22:00:00Z" }),
  )
  .transform((text) => new Date(/(Z|[+-]\d\d:?\d\d)$/i.test(text) ? text : `${text}Z`).toISOString());

/** Fields of the body beside `properties` that our answers have and a request may repeat. */
const answeredTopLevel = ["id", "name", "type", "systemData", "etag"];
/** Read-only fields of `properties`, likewise. */
const answeredProperties = [
  "migrationId",
  "currentStatus",
  "startTime",
  "endTime",
  "duration",
  "provisioningState",
  "sourceDbServerMetadata",
  "targetDbServerMetadata",
  "targetDbServerResourceId",
  // Of api-version 2022-05-01-privatepreview: where Azure put its own resources.
  "migrationResourceGroup",
];

const topLevelShape = {
  location: documented(
    z.string({ error: "must be a string, e.g. westeurope" }).optional(),
    "Kept and answered; `local` without.",
    { azure: "Required: the region." },
  ),
  tags: documented(Tags.optional(), "Up to 50, kept and answered."),
  properties: z.unknown(),
};

const propertiesShape = {
  migrationMode: documented(
    oneOf(migrationModes).optional(),
    "`Offline` without. A PATCH may change it while the migration is held before its start.",
  ),
  migrationOption: documented(oneOf(migrationOptions).optional(), `\`${defaultOption}\` without, as azure-cli has it.`),
  ...addressShape,
  secretParameters: SecretParameters,
  dbsToMigrate: documented(
    z
      .unknown()
      .refine((value) => value !== undefined, fieldError("name one to eight databases of the source", ""))
      .pipe(DatabasesToMigrate),
    "One to eight databases of the source; `postgres` too, which is then replaced on the target where its user may. Validations beside each other may name the same ones, migrations may not. A PATCH may change them while the migration is held before its start: it is prepared and validated anew.",
    { form: "list of strings" },
  ),
  overwriteDbsInTarget: documented(
    Flag.optional(),
    "`True` without: a database of that name on the target is dropped and created anew. With `False` the migration waits for a PATCH.",
    { azure: "`False` without.", form: twoValued },
  ),
  migrateRoles: documented(Flag.optional(), "`False` without. A PATCH may change it while the migration is held.", {
    form: twoValued,
  }),
  verification: documented(oneOf(verifications).optional(), "How the tables are verified.", { added: true }),
  verifyAtCutover: documented(oneOf(verifications).optional(), "How they are at the cutover of an online migration.", {
    added: true,
  }),
  notifications: documented(
    Notifications.optional(),
    "A webhook: every change of state is sent to it as a CloudEvent (docs/operations.md).",
    { added: true, form: "object" },
  ),
  setupLogicalReplicationOnSourceDbIfNeeded: documented(
    Flag.optional(),
    "Whether the service may set the source up for logical replication; `False` without. It never restarts the source.",
    { azure: "Restarts the source.", form: twoValued },
  ),
  startDataMigration: documented(Flag.optional(), "`True` without; with `False` the migration waits for a PATCH.", {
    form: twoValued,
  }),
  migrationWindowStartTimeInUtc: documented(
    UtcTime.optional(),
    "When the data migration may begin. A PATCH may change it while the migration is held.",
    {
      form: "time",
    },
  ),
  migrationWindowEndTimeInUtc: documented(
    UtcTime.optional(),
    "When the window is over: later than now. A PATCH may change it, as its start.",
    {
      form: "time",
    },
  ),
  triggerCutover: documented(
    Flag.optional(),
    "PATCH it in `WaitingForCutoverTrigger`. In a PUT only `Offline`, where the cutover is part of the migration.",
    { azure: "Taken in a PUT.", form: twoValued },
  ),
  dbsToTriggerCutoverOn: documented(DatabaseNames.optional(), "Only these; none or an empty list is all.", {
    form: "list of strings",
  }),
  cancel: documented(Flag.optional(), "PATCH it to cancel, as DELETE does.", { form: twoValued }),
  dbsToCancelMigrationOn: documented(DatabaseNames.optional(), "Only these, likewise.", { form: "list of strings" }),
  migrationInstanceResourceId: documented(
    z.string({ error: "must be a resource ID, as a string" }).optional(),
    "Kept and answered, not needed: the service reaches a source from its own network.",
    { azure: "The runtime server for a source behind a private endpoint." },
  ),
};

/** The body as documentation shows it. */
export const MigrationBody = z.object({ ...topLevelShape, properties: z.object(propertiesShape) });

/** Every field that `properties` of a migration can have. */
export const migrationProperties: readonly string[] = [...Object.keys(propertiesShape), ...answeredProperties];

/**
 * Parses the body of a PUT.
 * @throws RequestError 400 with one detail for every problem.
 */
export function parseMigrationRequest(
  path: MigrationPath,
  body: unknown,
  administratorOf?: AdministratorOf,
): MigrationRequest {
  if (!isObject(body))
    throw new RequestError(400, "InvalidRequest", 'The body must be a JSON object: {"properties": {…}}.');
  const problems: RequestProblem[] = [];
  const resource = readProperties(body, topLevelShape, { path: "", ignored: answeredTopLevel, problems });
  const given = fieldOf(body, "properties");
  if (!isObject(given)) {
    const message = given === undefined ? "is missing: give the migration's properties in it" : "must be a JSON object";
    problems.push(problem("MissingProperty", "properties", message));
  }
  const fields = isObject(given) ? given : {};
  const entra = { source: isEntra(fields, "source"), target: isEntra(fields, "target") };
  const shape = { ...propertiesShape, secretParameters: secretParametersFor(entra) };
  const properties = readProperties(fields, shape, {
    path: "properties",
    ignored: answeredProperties,
    aliases: formerNames,
    problems,
  });

  const secrets = properties.secretParameters;
  const users = userNamesIn(given);
  const at = "properties";
  const source = sourceEndpoint(properties, users.source, at, problems, administratorOf);
  const target = targetEndpoint(properties, path.server, users.target, at, problems, administratorOf);
  const databases = properties.dbsToMigrate;
  problems.push(...windowProblems(properties));
  if (properties.migrationMode === "Online" && entra.source) problems.push(tokenIsNoSubscriptionPassword);
  if (source && target && sameServer(source, target)) {
    problems.push(
      problem(
        "SameServer",
        "properties.targetDbServerFullyQualifiedDomainName",
        `is the source itself (${target.host}:${target.port}): name another server, a database keeps its name`,
      ),
    );
  }
  refuseIfAny(isObject(given) ? problems : problems.filter((one) => !one.target.startsWith("properties.")));
  if (source === undefined || target === undefined || databases === undefined) {
    throw new Error("A request without problems lacks a required field.");
  }
  const window = {
    ...(properties.migrationWindowStartTimeInUtc && {
      migrationWindowStartTimeInUtc: properties.migrationWindowStartTimeInUtc,
    }),
    ...(properties.migrationWindowEndTimeInUtc && {
      migrationWindowEndTimeInUtc: properties.migrationWindowEndTimeInUtc,
    }),
  };
  return {
    spec: {
      ...path,
      mode: properties.migrationMode ?? "Offline",
      option: properties.migrationOption ?? defaultOption,
      source,
      target,
      databases,
      overwriteDbsInTarget: properties.overwriteDbsInTarget ?? true,
      migrateRoles: properties.migrateRoles ?? false,
      setupLogicalReplicationOnSourceDbIfNeeded: properties.setupLogicalReplicationOnSourceDbIfNeeded ?? false,
      startDataMigration: properties.startDataMigration ?? true,
      ...(properties.verification && { verification: properties.verification }),
      ...(properties.verifyAtCutover && { verifyAtCutover: properties.verifyAtCutover }),
      ...window,
    },
    passwords: {
      source: secrets?.adminCredentials?.sourceServerPassword ?? "",
      target: secrets?.adminCredentials?.targetServerPassword ?? "",
    },
    location: resource.location ?? "local",
    tags: resource.tags ?? {},
    sourceType: sourceTypeOf(properties),
    sourceDbServerResourceId: properties.sourceDbServerResourceId,
    sourceDbServerFullyQualifiedDomainName: properties.sourceDbServerFullyQualifiedDomainName,
    targetDbServerFullyQualifiedDomainName: properties.targetDbServerFullyQualifiedDomainName,
    migrationInstanceResourceId: properties.migrationInstanceResourceId,
    notifications: properties.notifications,
    asked: {
      triggerCutover: properties.triggerCutover ?? false,
      dbsToTriggerCutoverOn: properties.dbsToTriggerCutoverOn ?? [],
      cancel: properties.cancel ?? false,
      dbsToCancelMigrationOn: properties.dbsToCancelMigrationOn ?? [],
    },
  };
}

/** What an Online migration answers a source that takes tokens. */
export const tokenIsNoSubscriptionPassword = problem(
  "Contradiction",
  "properties.sourceAuthentication",
  "cannot be Entra in an Online migration: the target's server logs in at the source by itself, for days, and a token lives an hour. " +
    "Make a role with a password and REPLICATION on the source, let the source take passwords beside Entra, and give that role with sourceAuthentication Password",
);

/** A window that is none. */
export function windowProblems(properties: {
  migrationWindowStartTimeInUtc?: string | undefined;
  migrationWindowEndTimeInUtc?: string | undefined;
}): RequestProblem[] {
  const { migrationWindowStartTimeInUtc: start, migrationWindowEndTimeInUtc: end } = properties;
  // Both are ISO 8601 with Z and milliseconds: they sort as text.
  if (start === undefined || end === undefined || start < end) return [];
  const field = "properties.migrationWindowEndTimeInUtc";
  return [
    problem(
      "InvalidWindow",
      field,
      `(${end}) is not after migrationWindowStartTimeInUtc (${start}): choose a later end`,
    ),
  ];
}
