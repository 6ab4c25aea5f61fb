/** A draft that begins with another migration's properties, for "validate again" and "migrate now". */
import type { Migration, MigrationOption } from "../../api/resources.js";
import { sourceAddressOf, targetAddressOf } from "../../migration/progress.js";
import { type Draft, emptyDraft, type ServerDraft, verifications } from "./draft.js";

/** @param option undefined keeps the migration's own */
export function draftFrom(migration: Migration, server: string, option: MigrationOption | undefined): Draft {
  const { properties } = migration;
  const id = properties.sourceDbServerResourceId ?? "";
  const byResource = id.startsWith("/") && properties.sourceDbServerFullyQualifiedDomainName === undefined;
  const user = !id.startsWith("/") && id.includes("@") ? id.slice(id.lastIndexOf("@") + 1) : "";
  return {
    ...emptyDraft,
    name: nextName(migration.name),
    sourceType: properties.sourceType ?? emptyDraft.sourceType,
    option: option ?? properties.migrationOption,
    mode: properties.migrationMode,
    sslMode: properties.sslMode ?? emptyDraft.sslMode,
    byResource,
    source: byResource ? { ...emptyDraft.source, resourceId: id } : { ...serverOf(sourceAddressOf(migration)), user },
    target: serverOf(targetAddressOf(migration, server)),
    databases: properties.dbsToMigrate,
    overwrite: properties.overwriteDbsInTarget === "True",
    migrateRoles: properties.migrateRoles === "True",
    verification: verifications.find((one) => one === properties.verification) ?? emptyDraft.verification,
    setUpReplication: properties.setupLogicalReplicationOnSourceDbIfNeeded === "True",
  };
}

function serverOf(address: string): ServerDraft {
  const [, host = address, port = "5432"] = /^(.*?)(?::(\d+))?$/.exec(address) ?? [];
  return { ...emptyDraft.source, host, port };
}

/** orders → orders-2 → orders-3 */
function nextName(name: string): string {
  const [, stem = name, number] = /^(.*?)(?:-(\d+))?$/.exec(name) ?? [];
  return `${stem.slice(0, 58)}-${Number(number ?? 1) + 1}`;
}
