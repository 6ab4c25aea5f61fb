/** PATCH and DELETE …/migrations/{name}: changes of mutable properties, and the events that they mean for a running migration. */
import { beginToEnd, lossOf } from "../lifecycle/lost-migration.js";
import type { MigrationPatchRequest, PatchedProperties } from "../model/migration-patch.js";
import type { MigrationPath } from "../model/migration-path.js";
import { migrationChanging, RequestError, type RequestProblem } from "../model/request-error.js";
import { problem } from "../model/request-properties.js";
import { hasEnded, type MigrationSubstate } from "../model/states.js";
import { changeDatabase, listDatabases } from "../status/databases.js";
import { type MigrationPatch, type MigrationRow, specOf, updateMigration } from "../status/migrations.js";
import { loadSecrets, replaceSecrets } from "../status/secrets.js";
import { auditLine, type Caller, unknownCaller } from "./caller.js";
import {
  changesSpecification,
  claimChange,
  columnsOfChange,
  mayRespecify,
  problemsOfChange,
} from "./change-specification.js";
import { findMigration } from "./find-migration.js";
import type { MigrationEvents, Orchestrations } from "./orchestrations.js";
import { checkPreconditions, type Preconditions } from "./preconditions.js";

type Event = { [Name in keyof MigrationEvents]: { name: Name; data: MigrationEvents[Name] } }[keyof MigrationEvents];

/**
 * Applies a PATCH. The events go out after the row is written and whenever they are asked for again, so that a repeated
 * PATCH makes up for one that died in between; the orchestration takes the same event twice without harm.
 * @throws RequestError 400 for a database that is not the migration's, 404, 409 where its state does not allow the change, 412
 */
export async function patchMigration(
  path: MigrationPath,
  request: MigrationPatchRequest,
  orchestrations: Orchestrations,
  preconditions: Preconditions = {},
  caller: Caller = unknownCaller,
  verb = "PATCH",
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const migration = await findMigration(path);
    checkPreconditions(preconditions, migration.etag);
    refuseWhenEnded(migration);
    const events = eventsOf(migration, request.properties);
    const orders: string[] = events.map(({ name }) => name);
    if (mayRespecify(migration, request.properties)) orders.push("Respecify");
    const loss = orders.length === 0 ? undefined : await lossFor(migration, orchestrations);
    if (loss !== undefined) refuseOrders(migration, loss, orders);
    refuseConflicts(conflictsOf(migration, request.properties));
    await refuseStandstill(migration, request.properties);
    await claimChange(migration, request.properties);
    const changes = { ...columnsOf(migration, request), ...audited(migration, request, caller, verb) };
    if (!(await updateMigration(path.key, changes, migration.etag))) {
      if (attempt < 10) continue;
      throw new RequestError(
        409,
        migrationChanging,
        "The migration changes too often at the moment: repeat the request.",
      );
    }
    await replacePasswords(migration, request.properties);
    await noteForce(migration, request.properties);
    const respecified = { ...migration, specification: changes.specification ?? migration.specification };
    const respecifying = respecifications(respecified, request.properties);
    if (loss === undefined) await raise(respecified, [...events, ...respecifying], orchestrations);
    else if (migration.state !== "CleaningUp") await beginToEnd(migration, loss, orchestrations);
    return;
  }
}

/** Why nobody hears of an order any more; undefined while the migration's orchestration does. */
async function lossFor(migration: MigrationRow, orchestrations: Orchestrations): Promise<string | undefined> {
  return migration.state === "CleaningUp" ? (migration.error ?? "") : await lossOf(migration, orchestrations);
}

/** A cancel is what such a migration is ended by; nothing else can be carried out. */
function refuseOrders({ name }: MigrationRow, loss: string, orders: readonly string[]): void {
  if (orders.every((order) => order === "Cancel")) return;
  throw new RequestError(
    409,
    "OrchestrationLost",
    `${loss} Migration ${name} cannot go on, and is ended within minutes: wait until it has, and create it again.`,
    { target: "migrationName" },
  );
}

/**
 * Cancels a migration with all its databases.
 * @returns false when there is no such migration: then nothing has to be cancelled
 * @throws RequestError 409 when it has ended, 412
 */
export async function cancelMigration(
  path: MigrationPath,
  orchestrations: Orchestrations,
  preconditions: Preconditions = {},
  caller: Caller = unknownCaller,
): Promise<boolean> {
  const request = { tags: undefined, properties: { cancel: true } };
  try {
    await patchMigration(path, request, orchestrations, preconditions, caller, "DELETE");
    return true;
  } catch (error) {
    // If-Match on what is not there is not met, whatever the verb (RFC 9110, section 13.1.1).
    if (!(error instanceof RequestError) || error.status !== 404 || preconditions.ifMatch !== undefined) throw error;
    return false;
  }
}

/** Lines of the column `audit` that are kept: the column holds 32 Ki characters. */
const auditLines = 100;

function audited(
  migration: MigrationRow,
  request: MigrationPatchRequest,
  caller: Caller,
  verb: string,
): MigrationPatch {
  const given = Object.entries(request.properties).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  const line = auditLine(caller, verb, [...given, ...(request.tags === undefined ? [] : ["tags"])]);
  const before = migration.audit === "" ? [] : migration.audit.split("\n");
  return { lastModifiedBy: caller.name, audit: [...before, line].slice(-auditLines).join("\n") };
}

function eventsOf(migration: MigrationRow, properties: PatchedProperties): Event[] {
  const events: Event[] = [];
  const early = !afterStart.has(migration.substate ?? "PerformingPreRequisiteSteps");
  if (properties.cancel === true) {
    events.push({ name: "Cancel", data: chosen(migration, properties, "dbsToCancelMigrationOn") });
  }
  if (properties.triggerCutover === true) {
    refuseCutover(migration);
    events.push({ name: "Cutover", data: chosen(migration, properties, "dbsToTriggerCutoverOn") });
  }
  // What is to be migrated from now on is taken up with what the row says of all this.
  if (!early || changesSpecification(migration, properties)) return events;
  if (properties.overwriteDbsInTarget === true) {
    events.push({ name: "ConfirmOverwrite", data: { specification: migration.specification } });
  }
  if (properties.startDataMigration === true && !waitsForWindow(properties)) {
    events.push({ name: "StartDataMigration", data: {} });
  }
  if (properties.setupLogicalReplicationOnSourceDbIfNeeded === true) {
    events.push({ name: "SetupReplication", data: {} });
  }
  return events;
}

/** A start that is asked for together with a window is the window's. */
function waitsForWindow({ migrationWindowStartTimeInUtc: opens }: PatchedProperties): boolean {
  return opens !== undefined && Date.parse(opens) > Date.now();
}

function respecifications(migration: MigrationRow, properties: PatchedProperties): Event[] {
  const { specification } = migration;
  if (specification === 0 || !mayRespecify(migration, properties)) return [];
  return [{ name: "Respecify", data: { specification } }];
}

/** From these on, what was decided before the start of the data migration cannot be decided any more. */
const afterStart: ReadonlySet<MigrationSubstate> = new Set<MigrationSubstate>([
  "MigratingData",
  "WaitingForCutoverTrigger",
  "CompletingMigration",
  "Completed",
  "CancelingRequestedDBMigrations",
]);

/** Fields that a PATCH may repeat but not change, and changes that come too late. */
function conflictsOf(migration: MigrationRow, properties: PatchedProperties): RequestProblem[] {
  const conflicts: RequestProblem[] = [];
  const fixed = (field: string, wanted: unknown, is: unknown, remedy = "create a new migration to change it") => {
    if (wanted === undefined || JSON.stringify(wanted) === JSON.stringify(is)) return;
    conflicts.push(problem("ImmutableProperty", `properties.${field}`, `cannot be changed after creation: ${remedy}`));
  };
  const secrets = properties.secretParameters;
  fixed("sourceDbServerResourceId", properties.sourceDbServerResourceId, migration.sourceDbServerResourceId);
  fixed(
    "sourceDbServerFullyQualifiedDomainName",
    properties.sourceDbServerFullyQualifiedDomainName,
    migration.sourceDbServerFullyQualifiedDomainName,
  );
  fixed(
    "targetDbServerFullyQualifiedDomainName",
    properties.targetDbServerFullyQualifiedDomainName,
    migration.targetDbServerFullyQualifiedDomainName,
  );
  fixed("secretParameters.sourceServerUsername", secrets?.sourceServerUsername, migration.sourceUser);
  fixed("secretParameters.targetServerUsername", secrets?.targetServerUsername, migration.targetUser);
  fixed("verification", properties.verification, migration.verification);
  fixed("verifyAtCutover", properties.verifyAtCutover, migration.verifyAtCutover);
  conflicts.push(...problemsOfChange(migration, properties));
  for (const field of [
    "overwriteDbsInTarget",
    "startDataMigration",
    "setupLogicalReplicationOnSourceDbIfNeeded",
  ] as const) {
    const wanted = properties[field];
    if (wanted === false)
      fixed(field, wanted, migration[field], "it can only become True; cancel the migration instead");
    if (wanted === true && !migration[field] && afterStart.has(migration.substate ?? "PerformingPreRequisiteSteps")) {
      const message = `comes too late: the migration is in ${migration.substate} already, leave the field out`;
      conflicts.push(problem("TooLate", `properties.${field}`, message));
    }
  }
  if (properties.cancel === false) fixed("cancel", false, migration.cancel, "a cancellation cannot be taken back");
  if (properties.triggerCutover === false) {
    fixed("triggerCutover", false, migration.triggerCutover, "a cutover cannot be taken back");
  }
  return conflicts;
}

function refuseConflicts(conflicts: readonly RequestProblem[]): void {
  const [first] = conflicts;
  if (first === undefined) return;
  const message =
    conflicts.length === 1 ? first.message : `${conflicts.length} properties are in conflict: ${first.message} …`;
  throw new RequestError(409, "Conflict", message, { target: first.target, details: conflicts });
}

function refuseWhenEnded(migration: MigrationRow): void {
  if (hasEnded(migration.state)) refuseAsEnded(migration, `has ended (${migration.state})`);
  if (migration.endedOn !== undefined)
    refuseAsEnded(migration, "has ended, and is trying its refused statements again,");
}

function refuseAsEnded(migration: MigrationRow, how: string): never {
  throw new RequestError(
    409,
    "MigrationEnded",
    `Migration ${migration.name} ${how} and cannot be changed or cancelled: create a migration with another migrationName.`,
    { target: "migrationName" },
  );
}

function refuseCutover(migration: MigrationRow): void {
  const target = "properties.triggerCutover";
  if (migration.mode === "Offline") {
    const message = `${target}: an Offline migration has no cutover, it completes by itself; leave the field out.`;
    throw new RequestError(409, "NoCutover", message, { target });
  }
  if (migration.substate !== "WaitingForCutoverTrigger") {
    const message = `${target}: the migration is in ${migration.substate ?? migration.state}; trigger the cutover when it is in WaitingForCutoverTrigger.`;
    throw new RequestError(409, "NotWaitingForCutover", message, { target });
  }
}

/**
 * A cutover that would not get to its end, as the last look at each database has found.
 * @throws RequestError 409 CutoverHindered with the reason
 */
async function refuseStandstill(migration: MigrationRow, properties: PatchedProperties): Promise<void> {
  if (properties.triggerCutover !== true || properties.forceCutover === true) return;
  const { databases } = chosen(migration, properties, "dbsToTriggerCutoverOn");
  const hindered = (await listDatabases(migration.key)).filter(
    ({ database, state, cutoverRequested, cutoverHindrance }) =>
      (databases ?? migration.databases).includes(database) &&
      state === "WaitingForCutoverTrigger" &&
      !cutoverRequested &&
      cutoverHindrance !== undefined,
  );
  const [first] = hindered;
  if (first === undefined) return;
  const target = "properties.triggerCutover";
  const details = hindered.map(({ database, cutoverHindrance, sampledOn }) =>
    problem(
      "CutoverHindered",
      target,
      `database ${database} cannot cut over (as of ${sampledOn}): ${cutoverHindrance}`,
    ),
  );
  throw new RequestError(
    409,
    "CutoverHindered",
    `${details[0]?.message} Mend it and trigger the cutover again, SAMPLE_INTERVAL_SECONDS later at the latest; or set forceCutover to "True" to try it as it is.`,
    { target, details },
  );
}

/** Before the event goes out: whoever carries the cutover out finds it in the rows. */
async function noteForce(migration: MigrationRow, properties: PatchedProperties): Promise<void> {
  if (properties.triggerCutover !== true) return;
  const { databases } = chosen(migration, properties, "dbsToTriggerCutoverOn");
  for (const database of databases ?? migration.databases) {
    await changeDatabase(migration.key, database, (row) =>
      row.cutoverRequested || row.cutoverForced === (properties.forceCutover === true)
        ? undefined
        : { cutoverForced: properties.forceCutover === true },
    );
  }
}

/** The databases that a list names, checked against the migration's; no list or an empty one means all. */
function chosen(
  migration: MigrationRow,
  properties: PatchedProperties,
  field: "dbsToCancelMigrationOn" | "dbsToTriggerCutoverOn",
): { databases?: readonly string[] } {
  const names = properties[field] ?? [];
  const strangers = names.flatMap((name, index) =>
    migration.databases.includes(name)
      ? []
      : [
          problem(
            "UnknownDatabase",
            `properties.${field}[${index}]`,
            `"${name}" is no database of this migration: use ${migration.databases.map((own) => `"${own}"`).join(", ")}`,
          ),
        ],
  );
  const [first] = strangers;
  if (first !== undefined) {
    const code = field === "dbsToTriggerCutoverOn" ? "UnknownDatabase" : "InvalidRequest";
    throw new RequestError(400, code, first.message, { target: first.target, details: strangers });
  }
  return names.length === 0 ? {} : { databases: names };
}

function columnsOf(migration: MigrationRow, { tags, properties }: MigrationPatchRequest): MigrationPatch {
  const confirmed = properties.overwriteDbsInTarget === true && !migration.overwriteDbsInTarget;
  return {
    tags,
    ...(confirmed && { overwriteDbsInTarget: true, overwriteConfirmed: true }),
    ...columnsOfChange(migration, properties),
    startDataMigration: properties.startDataMigration,
    setupLogicalReplicationOnSourceDbIfNeeded: properties.setupLogicalReplicationOnSourceDbIfNeeded,
    triggerCutover: properties.triggerCutover,
    dbsToTriggerCutoverOn: properties.dbsToTriggerCutoverOn,
    cancel: properties.cancel,
    dbsToCancelMigrationOn: properties.dbsToCancelMigrationOn,
  };
}

async function replacePasswords(migration: MigrationRow, properties: PatchedProperties): Promise<void> {
  const { sourceServerPassword, targetServerPassword } = properties.secretParameters?.adminCredentials ?? {};
  if (sourceServerPassword === undefined && targetServerPassword === undefined) return;
  // When both are new, the old ones need not even be readable: their key may be lost.
  const passwords =
    sourceServerPassword !== undefined && targetServerPassword !== undefined
      ? { source: sourceServerPassword, target: targetServerPassword }
      : await loadSecrets(migration.key);
  const replaced = await replaceSecrets(specOf(migration), migration.migrationId, {
    source: sourceServerPassword ?? passwords.source,
    target: targetServerPassword ?? passwords.target,
  });
  if (!replaced) refuseAsEnded(migration, "is ending");
  if (migration.mode === "Offline" || sourceServerPassword === undefined) return;
  // The subscription has the password of its own accord.
  for (const database of migration.databases) {
    await changeDatabase(migration.key, database, () => ({ connectionOutdated: true }));
  }
}

async function raise(migration: MigrationRow, events: readonly Event[], orchestrations: Orchestrations): Promise<void> {
  if (events.length === 0) return;
  // A PUT that died before it started the orchestration left nobody to take the event.
  await orchestrations.ensureStarted(specOf(migration));
  for (const event of events) await orchestrations.raise(migration.key, event.name, event.data);
}
