/** What can be told from a migration's answers: where it stands, what it did when. */
import type { Migration, MigrationState, MigrationSubstate } from "../api/resources.js";

const ended: ReadonlySet<MigrationState> = new Set(["Canceled", "Failed", "Succeeded", "ValidationFailed"]);

export function stateOf(migration: Migration): MigrationState {
  return migration.properties.currentStatus.state;
}

export function substateOf(migration: Migration): MigrationSubstate | undefined {
  return migration.properties.currentStatus.currentSubStateDetails?.currentSubState;
}

export function hasEnded(migration: Migration): boolean {
  return ended.has(stateOf(migration));
}

export function isWaiting(migration: Migration): boolean {
  return stateOf(migration) === "WaitingForUserAction";
}

export function startOf(migration: Migration): string | undefined {
  const { startTime } = migration.properties;
  return typeof startTime === "string" ? startTime : migration.systemData?.createdAt;
}

export function endOf(migration: Migration): string | undefined {
  const { endTime } = migration.properties;
  if (typeof endTime === "string") return endTime;
  return hasEnded(migration) ? migration.systemData?.lastModifiedAt : undefined;
}

/** `host:port` of the source, whichever way the request wrote it. */
export function sourceAddressOf({ properties }: Migration): string {
  const name = properties.sourceDbServerFullyQualifiedDomainName;
  const id = properties.sourceDbServerResourceId;
  if (name !== undefined) return name;
  if (id === undefined) return "";
  if (id.startsWith("/")) return id.split("/").at(-1) ?? id;
  return id.includes("@") ? id.slice(0, id.lastIndexOf("@")) : id;
}

export function targetAddressOf(migration: Migration, server: string): string {
  return migration.properties.targetDbServerFullyQualifiedDomainName ?? `${server}.postgres.database.azure.com`;
}
