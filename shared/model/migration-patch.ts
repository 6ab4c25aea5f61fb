/** The body of PATCH …/migrations/{name}: ARM's MigrationResourceForPatch. */
import { z } from "zod";
import { DatabaseNames, DatabasesToMigrate } from "./database-name.js";
import { documented } from "./documented.js";
import { Flag } from "./flag.js";
import { migrationModes } from "./migration.js";
import { Tags, UtcTime } from "./migration-request.js";
import { RequestError, type RequestProblem, refuseIfAny } from "./request-error.js";
import { fieldOf, isObject, oneOf, problem, readProperties } from "./request-properties.js";
import { ChangedSecrets, formerNames } from "./server-fields.js";
import { verifications } from "./verification.js";

const Text = z.string({ error: "must be a string" });

const propertiesShape = {
  sourceDbServerResourceId: Text.optional(),
  sourceDbServerFullyQualifiedDomainName: Text.optional(),
  targetDbServerFullyQualifiedDomainName: Text.optional(),
  secretParameters: ChangedSecrets.optional(),
  dbsToMigrate: DatabasesToMigrate.optional(),
  setupLogicalReplicationOnSourceDbIfNeeded: Flag.optional(),
  overwriteDbsInTarget: Flag.optional(),
  migrationWindowStartTimeInUtc: UtcTime.optional(),
  migrationWindowEndTimeInUtc: UtcTime.optional(),
  migrateRoles: Flag.optional(),
  verification: oneOf(verifications).optional(),
  verifyAtCutover: oneOf(verifications).optional(),
  startDataMigration: Flag.optional(),
  triggerCutover: Flag.optional(),
  dbsToTriggerCutoverOn: DatabaseNames.optional(),
  forceCutover: documented(
    Flag.optional(),
    "With `triggerCutover`: cut over whatever stands in the way, and do not wait for open transactions for ever; what is missing for it is told.",
    { added: true, form: '"True" or "False", or a Boolean' },
  ),
  cancel: Flag.optional(),
  dbsToCancelMigrationOn: DatabaseNames.optional(),
  migrationMode: oneOf(migrationModes).optional(),
};

/** The body as documentation shows it. */
export const MigrationPatchBody = z.object({ tags: Tags.optional(), properties: z.object(propertiesShape) });

const answeredTopLevel = ["id", "name", "type", "systemData", "etag", "location"];

export type PatchedProperties = ReturnType<typeof readPatch>;

export interface MigrationPatchRequest {
  readonly tags: Readonly<Record<string, string>> | undefined;
  readonly properties: PatchedProperties;
}

/**
 * Parses the body of a PATCH.
 * @throws RequestError 400 with one detail for every problem.
 */
export function parseMigrationPatch(body: unknown): MigrationPatchRequest {
  if (!isObject(body)) {
    throw new RequestError(400, "InvalidRequest", 'The body must be a JSON object: {"properties": {…}}.');
  }
  const problems: RequestProblem[] = [];
  const shape = { tags: Tags.optional(), properties: z.unknown() };
  const { tags } = readProperties(body, shape, { path: "", ignored: answeredTopLevel, problems });
  const given = fieldOf(body, "properties");
  if (given !== undefined && !isObject(given)) {
    problems.push(problem("InvalidPropertyValue", "properties", "must be a JSON object"));
  }
  if (given === undefined && tags === undefined && problems.length === 0) {
    problems.push(problem("MissingProperty", "properties", "is missing: give the properties to change in it"));
  }
  const properties = readPatch(isObject(given) ? given : {}, problems);
  problems.push(...contradictions(properties));
  refuseIfAny(problems);
  return { tags, properties };
}

function readPatch(input: Readonly<Record<string, unknown>>, problems: RequestProblem[]) {
  return readProperties(input, propertiesShape, { path: "properties", aliases: formerNames, problems });
}

function contradictions(properties: PatchedProperties): RequestProblem[] {
  const problems: RequestProblem[] = [];
  const needs = (list: "dbsToTriggerCutoverOn" | "dbsToCancelMigrationOn", flag: "triggerCutover" | "cancel") => {
    if ((properties[list]?.length ?? 0) > 0 && properties[flag] !== true) {
      problems.push(problem("MissingProperty", `properties.${flag}`, `must be "True" when ${list} names databases`));
    }
  };
  needs("dbsToTriggerCutoverOn", "triggerCutover");
  if (properties.forceCutover === true && properties.triggerCutover !== true) {
    problems.push(problem("MissingProperty", "properties.triggerCutover", 'must be "True" when forceCutover is'));
  }
  needs("dbsToCancelMigrationOn", "cancel");
  if (properties.cancel === true && properties.triggerCutover === true) {
    problems.push(
      problem("Contradiction", "properties.cancel", "and triggerCutover cannot both be True: send one of them"),
    );
  }
  return problems;
}
