import { app } from "@azure/functions";
import { parseMigrationPath } from "../../shared/model/migration-path.js";
import { readCutoverReadiness } from "../../shared/requests/cutover-readiness.js";
import { findMigration } from "../../shared/requests/find-migration.js";
import { answer } from "./arm/answer.js";
import { migrationRoute } from "./arm/route.js";

app.http("readCutoverReadiness", {
  methods: ["GET"],
  authLevel: "function",
  route: `${migrationRoute}/cutoverReadiness`,
  handler: (request, context) =>
    answer(request, context, async () => {
      const migration = await findMigration(parseMigrationPath(request.params));
      return { jsonBody: { value: await readCutoverReadiness(migration) } };
    }),
});
