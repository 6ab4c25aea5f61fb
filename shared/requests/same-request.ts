/** Telling a repeated PUT from another one under the same name. */
import type { MigrationRequest } from "../model/migration-request.js";
import { hasFingerprint } from "../secrets/seal.js";
import { settings } from "../settings.js";
import { type MigrationRow, specOf } from "../status/migrations.js";

/** Everything that a request asks for, as one text: equal texts ask for the same. It holds the passwords: only fingerprint it. */
export function requestText(request: MigrationRequest): string {
  const { server, name, subscriptionId, resourceGroup, ...spec } = request.spec;
  return stableJson({
    ...spec,
    passwords: request.passwords,
    location: request.location,
    tags: request.tags,
    sourceType: request.sourceType,
    migrationInstanceResourceId: request.migrationInstanceResourceId,
    // Left out where there is none: fingerprints of before have no word of it.
    ...(request.notifications && { notifications: request.notifications }),
  });
}

/**
 * Whether the request is the one that created the migration, and if not, which fields differ from what the migration has
 * now. Passwords are compared by their fingerprint; when its key was retired, by nothing.
 */
export function sameRequest(existing: MigrationRow, request: MigrationRequest): { same: boolean; differing: string[] } {
  const known = hasFingerprint(requestText(request), existing.requestFingerprint);
  const asked = askedSince(existing, request);
  if (known === true && asked.length === 0) return { same: true, differing: [] };
  const differing = [...differences(existing, request), ...asked];
  if (known === undefined) return { same: differing.length === 0, differing };
  return { same: false, differing: differing.length > 0 ? differing : ["properties.secretParameters"] };
}

function differences(existing: MigrationRow, request: MigrationRequest): string[] {
  const was = fieldsOf(specOf(existing), existing);
  const is = fieldsOf(request.spec, request);
  return Object.keys(is).filter((field) => stableJson(was[field]) !== stableJson(is[field]));
}

/** A cutover or a cancel that the request asks for and nobody has: it may repeat what an answer has of them. */
function askedSince(existing: MigrationRow, { asked }: MigrationRequest): string[] {
  return (["triggerCutover", "cancel"] as const)
    .filter((field) => asked[field] && !existing[field])
    .map((field) => `properties.${field}`);
}

function fieldsOf(
  spec: MigrationRequest["spec"],
  resource: { location: string; tags: Readonly<Record<string, string>>; sourceType: string },
): Record<string, unknown> {
  return {
    location: resource.location,
    tags: resource.tags,
    "properties.migrationMode": spec.mode,
    "properties.migrationOption": spec.option,
    "properties.sourceType": resource.sourceType,
    "properties.sslMode": spec.source.sslMode,
    "properties.targetSslMode": spec.target.sslMode,
    "properties.sourceAuthentication": spec.source.authentication,
    "properties.targetAuthentication": spec.target.authentication,
    "properties.sourceDbServerResourceId": [spec.source.host, spec.source.port],
    "properties.targetDbServerFullyQualifiedDomainName": [spec.target.host, spec.target.port],
    "properties.secretParameters.sourceServerUsername": spec.source.user,
    "properties.secretParameters.targetServerUsername": spec.target.user,
    "properties.dbsToMigrate": spec.databases,
    "properties.overwriteDbsInTarget": spec.overwriteDbsInTarget,
    "properties.migrateRoles": spec.migrateRoles,
    "properties.verification": spec.verification ?? settings().verification,
    "properties.verifyAtCutover": spec.verifyAtCutover ?? settings().verifyAtCutover,
    "properties.setupLogicalReplicationOnSourceDbIfNeeded": spec.setupLogicalReplicationOnSourceDbIfNeeded,
    "properties.startDataMigration": spec.startDataMigration,
    "properties.migrationWindowStartTimeInUtc": spec.migrationWindowStartTimeInUtc,
    "properties.migrationWindowEndTimeInUtc": spec.migrationWindowEndTimeInUtc,
  };
}

/** JSON with sorted keys. */
function stableJson(value: unknown): string {
  return (
    JSON.stringify(value, (_, part: unknown) =>
      typeof part === "object" && part !== null && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1)))
        : part,
    ) ?? "undefined"
  );
}
