import { app } from "@azure/functions";
import { parseMigrationPath } from "../../shared/model/migration-path.js";
import { findMigration } from "../../shared/requests/find-migration.js";
import { listTables, parseTableFilter } from "../../shared/requests/list-tables.js";
import { answer } from "./arm/answer.js";
import { nextLink } from "./arm/next-link.js";
import { migrationRoute } from "./arm/route.js";

app.http("listMigrationTables", {
  methods: ["GET"],
  authLevel: "function",
  route: `${migrationRoute}/tables`,
  handler: (request, context) =>
    answer(request, context, async () => {
      const migration = await findMigration(parseMigrationPath(request.params));
      const { tables, next } = await listTables(migration, parseTableFilter(request.query));
      return {
        jsonBody: {
          value: tables,
          nextLink: next === undefined ? undefined : nextLink(request.url, "skip", String(next)),
        },
      };
    }),
});
