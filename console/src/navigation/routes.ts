/** The console's addresses. */
import type { MigrationId, ServerId } from "../api/resources.js";
import { hrefOf } from "./location.js";

export const migrationTabs = ["databases", "tables", "validation", "statements", "events"] as const;
export type MigrationTab = (typeof migrationTabs)[number];

const server = ({ subscription, resourceGroup, server }: ServerId) => ["servers", subscription, resourceGroup, server];

export const homeHref = () => hrefOf([]);
export const serverHref = (id: ServerId) => hrefOf(server(id));
/** @param from a migration whose properties the wizard begins with */
export const newMigrationHref = (id: ServerId, from?: string, option?: string) =>
  hrefOf([...server(id), "new"], { from, option });
export const migrationHref = (
  id: MigrationId,
  tab?: MigrationTab,
  query: Readonly<Record<string, string | undefined>> = {},
) => hrefOf([...server(id), "migrations", id.name, ...(tab === undefined ? [] : [tab])], query);
export const reportHref = (id: MigrationId) => hrefOf([...server(id), "migrations", id.name, "report"]);

export type Route =
  | { readonly page: "home" }
  | { readonly page: "migrations"; readonly server: ServerId }
  | { readonly page: "new"; readonly server: ServerId }
  | { readonly page: "migration"; readonly migration: MigrationId; readonly tab: MigrationTab | undefined }
  | { readonly page: "report"; readonly migration: MigrationId }
  | { readonly page: "unknown" };

/** The page that an address names. */
export function routeOf(segments: readonly string[]): Route {
  const [first, subscription, resourceGroup, name, what, migration, tab] = segments;
  if (first === undefined) return { page: "home" };
  if (first !== "servers" || subscription === undefined || resourceGroup === undefined || name === undefined) {
    return { page: "unknown" };
  }
  const id: ServerId = { subscription, resourceGroup, server: name };
  if (what === undefined) return { page: "migrations", server: id };
  if (what === "new" && migration === undefined) return { page: "new", server: id };
  if (what !== "migrations" || migration === undefined) return { page: "unknown" };
  if (tab === "report") return { page: "report", migration: { ...id, name: migration } };
  if (tab !== undefined && !isTab(tab)) return { page: "unknown" };
  return { page: "migration", migration: { ...id, name: migration }, tab };
}

function isTab(text: string): text is MigrationTab {
  return migrationTabs.some((tab) => tab === text);
}
