/** Migrations as an answer: the resource itself, and the columns that people look for. */
import type { Migration } from "../migration-service.js";
import { substateOf } from "../watch/progress.js";
import type { Answer } from "./format.js";

export function migrationAnswer(migration: Migration): Answer<Migration> {
  return { ...migrationsAnswer([migration]), value: migration };
}

export function migrationsAnswer(migrations: readonly Migration[]): Answer<Migration> {
  return {
    value: migrations,
    rows: migrations,
    columns: [
      { title: "Name", value: ({ name }) => name },
      { title: "State", value: ({ properties }) => properties.currentStatus.state },
      { title: "SubState", value: substateOf },
      { title: "Mode", value: ({ properties }) => properties.migrationMode },
      { title: "Option", value: ({ properties }) => properties.migrationOption },
      { title: "Databases", value: ({ properties }) => properties.dbsToMigrate?.join(",") },
      { title: "Created", value: ({ systemData }) => systemData?.createdAt },
      { title: "Error", value: ({ properties }) => properties.currentStatus.error ?? undefined },
    ],
  };
}
