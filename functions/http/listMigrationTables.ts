import { parseMigrationPath } from "../../shared/model/migration-path.js";
import { findMigration } from "../../shared/requests/find-migration.js";
import { listTables, parseTableFilter } from "../../shared/requests/list-tables.js";
import { nextLink } from "./arm/next-link.js";
import { httpOperation } from "./arm/operation.js";
import { migrationRoute } from "./arm/route.js";

httpOperation(
  {
    name: "listMigrationTables",
    method: "GET",
    route: `${migrationRoute}/tables`,
    part: "addition",
    summary: "Every table with its parts, in pages.",
    query: {
      database: "Only this one's.",
      state: "Only tables that are `queued`, `loading`, `completed` or `errored`.",
      skip: "From a `nextLink`.",
      modifiedSince:
        "From an `asOf`: only parts whose progress has been written since; sums are of those parts alone then.",
    },
    answers: { 200: { when: "the migration is there" } },
  },
  async ({ request }) => {
    const migration = await findMigration(parseMigrationPath(request.params));
    const { tables, next, asOf } = await listTables(migration, parseTableFilter(request.query));
    const link = next === undefined ? undefined : nextLink(request.url, "skip", String(next));
    return { jsonBody: { value: tables, asOf, nextLink: link } };
  },
);
