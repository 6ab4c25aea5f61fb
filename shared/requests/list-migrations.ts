/** GET …/flexibleServers/{server}/migrations. */
import type { ServerPath } from "../model/migration-path.js";
import { RequestError } from "../model/request-error.js";
import { listMigrations } from "../status/migrations.js";
import { describeMigration } from "./describe-migration.js";

export type ListFilter = "Active" | "All";

/** The query's migrationListFilter; All when it is absent. Throws RequestError 400. */
export function parseListFilter(text: string | null): ListFilter {
  const filter = (text ?? "All").toLowerCase();
  if (filter === "active") return "Active";
  if (filter === "all") return "All";
  const message = `migrationListFilter "${text}" is not known: use Active or All, or leave it out for All.`;
  throw new RequestError(400, "InvalidParameterValue", message, { target: "migrationListFilter" });
}

/** The migrations under a server, by name. */
export async function listServerMigrations(path: ServerPath, filter: ListFilter) {
  const rows = await listMigrations(path.server, { active: filter === "Active" });
  const here = rows.filter(
    (row) =>
      row.subscriptionId.toLowerCase() === path.subscriptionId.toLowerCase() &&
      row.resourceGroup.toLowerCase() === path.resourceGroup.toLowerCase(),
  );
  return await Promise.all(here.map((row) => describeMigration(row)));
}
