/** PUT …/migrations/{name}. Every step may be repeated after a crash: the same body leads to the same migration. */
import { randomUUID } from "node:crypto";
import { guardedLookup } from "../addresses/guarded-lookup.js";
import { forgetMigrationAndHistories } from "../lifecycle/forget-migration.js";
import type { MigrationSpec } from "../model/migration.js";
import type { MigrationRequest } from "../model/migration-request.js";
import { migrationChanging, RequestError, refuseIfAny } from "../model/request-error.js";
import { problem } from "../model/request-properties.js";
import { ServiceError } from "../model/service-error.js";
import { hasEnded } from "../model/states.js";
import { fingerprint } from "../secrets/seal.js";
import { settings } from "../settings.js";
import { claimDatabases, releaseClaims } from "../status/claims.js";
import { queueDatabases } from "../status/databases.js";
import { getMigration, insertMigration, type MigrationRow } from "../status/migrations.js";
import { sealWebhook } from "../status/notifications.js";
import { createQueues } from "../status/queues.js";
import { deleteSecrets, saveSecrets } from "../status/secrets.js";
import { auditLine, type Caller, unknownCaller } from "./caller.js";
import type { Orchestrations } from "./orchestrations.js";
import { checkPreconditions, type Preconditions } from "./preconditions.js";
import { requestText, sameRequest } from "./same-request.js";

/** What creating a migration needs of Durable. */
type Starting = Pick<Orchestrations, "ensureStarted" | "stateOf" | "purge">;

/**
 * Creates a migration and starts it, or finds the one that the same request created.
 * @returns whether it is new
 * @throws RequestError 400, 409, 412; nothing is left behind then.
 */
export async function createMigration(
  request: MigrationRequest,
  orchestrations: Starting,
  preconditions: Preconditions = {},
  caller: Caller = unknownCaller,
): Promise<{ created: boolean }> {
  const { spec } = request;
  const existing = await getMigration(spec.key);
  checkPreconditions(preconditions, existing?.etag);
  if (existing !== undefined && replaces(existing, spec, preconditions)) {
    await forget(existing, orchestrations);
  } else if (existing !== undefined) {
    await converge(existing, request, orchestrations);
    return { created: false };
  }
  refusePastWindow(request);
  refuseWhatComesLater(request);
  refuseWebhook(request);
  const requestFingerprint = fingerprint(requestText(request));
  // A validation writes nothing: any number of them may read the same databases.
  const conflict = spec.option === "Validate" ? undefined : await claimDatabases(spec);
  if (conflict !== undefined) {
    throw new RequestError(
      409,
      "TargetDatabaseInUse",
      `Database "${conflict.database}" of ${spec.target.host}:${spec.target.port} is being written by migration ${conflict.migration} of server ${conflict.server}: wait until it has ended or cancel it, or leave the database out of migration ${spec.name}'s properties.dbsToMigrate.`,
      { target: "properties.dbsToMigrate" },
    );
  }
  const migrationId = randomUUID();
  let winner: MigrationRow | undefined;
  try {
    await saveSecrets(spec, migrationId, request.passwords);
    const inserted = await insertMigration({
      ...request,
      ...request.asked,
      spec: decided(spec),
      migrationId,
      requestFingerprint,
      ...(request.notifications && {
        notificationsSealed: sealWebhook(spec.key, request.notifications),
        notificationsOrigin: new URL(request.notifications.url).origin,
      }),
      createdBy: caller.name,
      audit: auditLine(caller, "PUT", []),
    });
    if (!inserted) winner = await getMigration(spec.key);
  } catch (error) {
    await withdraw(request, migrationId).catch(() => {});
    throw error;
  }
  if (winner !== undefined) {
    // Another request for the same name was quicker.
    await withdraw(request, migrationId);
    checkPreconditions(preconditions, winner.etag);
    await converge(winner, request, orchestrations);
    return { created: false };
  }
  await begin(request, orchestrations);
  return { created: true };
}

/** A name may be used again when its migration has ended, by whoever says with If-Match that he knows of it. */
function replaces(existing: MigrationRow, spec: MigrationSpec, { ifMatch }: Preconditions): boolean {
  return ifMatch !== undefined && hasEnded(existing.state) && isInGroupOf(existing, spec);
}

async function forget(existing: MigrationRow, orchestrations: Starting): Promise<void> {
  if ((await orchestrations.stateOf(existing.key)).kind === "active") {
    throw new RequestError(409, migrationChanging, "The migration is ending at this moment: repeat the request.");
  }
  await forgetMigrationAndHistories(existing, orchestrations);
}

function isInGroupOf(existing: MigrationRow, { subscriptionId, resourceGroup }: MigrationSpec): boolean {
  return (
    existing.subscriptionId.toLowerCase() === subscriptionId.toLowerCase() &&
    existing.resourceGroup.toLowerCase() === resourceGroup.toLowerCase()
  );
}

/** Makes an existing migration what a repeated PUT asks for, which is what it is already unless an earlier PUT died half-way. */
async function converge(existing: MigrationRow, request: MigrationRequest, orchestrations: Starting): Promise<void> {
  const { spec } = request;
  if (!isInGroupOf(existing, spec)) {
    throw new RequestError(
      409,
      "MigrationNameTaken",
      `Server ${existing.server} has a migration ${existing.name} already, in resource group ${existing.resourceGroup} of subscription ${existing.subscriptionId}: use that path, or another migrationName.`,
      { target: "migrationName" },
    );
  }
  const { same, differing } = sameRequest(existing, request);
  if (!same) {
    throw new RequestError(
      409,
      "MigrationExists",
      `Server ${existing.server} has a migration ${existing.name} already, and this request differs from the one that created it${differing.length > 0 ? ` in ${differing.join(", ")}` : ""}: choose another migrationName, send the same body, or ${hasEnded(existing.state) ? "send If-Match with its ETag to put this one in its place" : "PATCH the migration"}. Names are compared without case.`,
      { target: "migrationName" },
    );
  }
  if (!hasEnded(existing.state)) await begin(request, orchestrations);
}

async function begin({ spec }: MigrationRequest, orchestrations: Pick<Orchestrations, "ensureStarted">): Promise<void> {
  await createQueues();
  await queueDatabases(spec.key, spec.databases);
  await orchestrations.ensureStarted(spec);
}

/** Takes back what a request that will not be carried out has written, without touching what another one of the same name has. */
async function withdraw({ spec }: MigrationRequest, migrationId: string): Promise<void> {
  const winner = await getMigration(spec.key);
  // A row that is there after all, because the answer to its insertion was lost, keeps everything.
  if (winner?.migrationId === migrationId) return;
  await deleteSecrets(spec.key, migrationId);
  const sameTarget = winner?.targetHost === spec.target.host && winner.targetPort === spec.target.port;
  const kept = sameTarget ? winner.databases : [];
  await releaseClaims(spec.key, {
    target: spec.target,
    databases: spec.databases.filter((name) => !kept.includes(name)),
  });
}

/** A cutover and a cancel are asked for of a migration that is there. Offline, the cutover is part of what is asked for. */
function refuseWhatComesLater({ spec, asked }: MigrationRequest): void {
  const later = (field: keyof MigrationRequest["asked"], given: boolean, when: string) => {
    const message = "cannot be asked for in a PUT: leave it out here and PATCH it";
    return given ? [problem("InvalidPropertyValue", `properties.${field}`, `${message} ${when}`)] : [];
  };
  const following = spec.mode === "Online";
  const caughtUp = "when it is in WaitingForCutoverTrigger";
  refuseIfAny([
    ...later("cancel", asked.cancel, "once the migration runs"),
    ...later("dbsToCancelMigrationOn", asked.dbsToCancelMigrationOn.length > 0, "once the migration runs"),
    ...later("triggerCutover", following && asked.triggerCutover, caughtUp),
    ...later("dbsToTriggerCutoverOn", following && asked.dbsToTriggerCutoverOn.length > 0, caughtUp),
  ]);
}

/** What the app's settings decide where the request does not: noted with the migration, whose parts must all be verified alike. */
function decided(spec: MigrationSpec): MigrationSpec {
  const { verification, verifyAtCutover } = settings();
  return {
    ...spec,
    verification: spec.verification ?? verification,
    verifyAtCutover: spec.verifyAtCutover ?? verifyAtCutover,
  };
}

/** An IP address is refused at once; what a name leads to is seen when an event is sent. */
function refuseWebhook({ notifications }: MigrationRequest): void {
  if (notifications === undefined) return;
  const host = new URL(notifications.url).hostname.replace(/^\[(.*)\]$/, "$1");
  try {
    guardedLookup(host);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    const target = "properties.notifications.url";
    throw new RequestError(400, error.code, `${target}: ${error.message}`, {
      target,
      details: [{ code: error.code, target, message: error.message }],
    });
  }
}

function refusePastWindow({ spec }: MigrationRequest): void {
  const end = spec.migrationWindowEndTimeInUtc;
  if (end === undefined || new Date(end).getTime() > Date.now()) return;
  const target = "properties.migrationWindowEndTimeInUtc";
  const message = `${target} (${end}) is over: choose a window that ends in the future.`;
  throw new RequestError(400, "InvalidWindow", message, {
    target,
    details: [{ code: "InvalidWindow", target, message }],
  });
}
