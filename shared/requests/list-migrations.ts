/** GET …/flexibleServers/{server}/migrations. */
import type { ServerPath } from "../model/migration-path.js";
import type { MigrationResource } from "../model/migration-resource.js";
import { RequestError } from "../model/request-error.js";
import { listMigrations, type MigrationRow } from "../status/migrations.js";
import { describeMigration, startOf } from "./describe-migration.js";
import { pageSizeOf } from "./page.js";

export interface MigrationFilter {
  readonly active: boolean;
  /** The last migration of the page before, as positionOf() tells it. */
  readonly after: string | undefined;
  readonly pageSize: number;
}

/** The query's migrationListFilter (Active when it is absent, as ARM has it), maxpagesize and $skipToken. Throws RequestError 400. */
export function parseMigrationFilter(query: URLSearchParams): MigrationFilter {
  return {
    active: isActive(query.get("migrationListFilter")),
    after: positionIn(query.get("$skipToken")),
    pageSize: pageSizeOf(query),
  };
}

/** The migrations under a server, newest start first, and the token of the next page. */
export async function listServerMigrations(
  path: ServerPath,
  { active, after, pageSize }: MigrationFilter,
): Promise<{ migrations: MigrationResource[]; next: string | undefined }> {
  const rows = await listMigrations(path.server, { active });
  const here = rows
    .filter(
      (row) =>
        row.subscriptionId.toLowerCase() === path.subscriptionId.toLowerCase() &&
        row.resourceGroup.toLowerCase() === path.resourceGroup.toLowerCase(),
    )
    .sort((one, other) => (positionOf(one) < positionOf(other) ? 1 : -1))
    .filter((row) => after === undefined || positionOf(row) < after);
  const page = here.slice(0, pageSize);
  const last = page.at(-1);
  return {
    migrations: await Promise.all(page.map((row) => describeMigration(row))),
    next: here.length > pageSize && last !== undefined ? tokenOf(positionOf(last)) : undefined,
  };
}

/** Where a migration stands in the list. Its start and name never change: a page begins where the one before ended, whatever came since. */
function positionOf(row: MigrationRow): string {
  return `${startOf(row)} ${row.name.toLowerCase()}`;
}

function tokenOf(position: string): string {
  return Buffer.from(position, "utf8").toString("base64url");
}

function positionIn(token: string | null): string | undefined {
  if (token === null) return undefined;
  const position = Buffer.from(token, "base64url").toString("utf8");
  if (/^\d{4}-\d\d-\d\dT[\d:.]+Z [a-z0-9-]+$/.test(position)) return position;
  throw invalid("$skipToken", token, "take it from a nextLink, or leave it out");
}

function isActive(text: string | null): boolean {
  const filter = (text ?? "Active").toLowerCase();
  if (filter === "active") return true;
  if (filter === "all") return false;
  throw invalid("migrationListFilter", text, "use Active or All, or leave it out for Active");
}

function invalid(parameter: string, text: string | null, remedy: string): RequestError {
  const message = `${parameter} "${text}" is not known: ${remedy}.`;
  return new RequestError(400, "InvalidParameterValue", message, { target: parameter });
}
