import { app } from "@azure/functions";
import { parseMigrationPath } from "../../shared/model/migration-path.js";
import { listDatabaseProgress } from "../../shared/requests/database-progress.js";
import { findMigration } from "../../shared/requests/find-migration.js";
import { answer } from "./arm/answer.js";
import { migrationRoute } from "./arm/route.js";

app.http("listMigrationDatabases", {
  methods: ["GET"],
  authLevel: "function",
  route: `${migrationRoute}/databases`,
  handler: (request, context) =>
    answer(request, context, async () => {
      const { key } = await findMigration(parseMigrationPath(request.params));
      return { jsonBody: { value: await listDatabaseProgress(key) } };
    }),
});
