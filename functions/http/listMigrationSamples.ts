import { app } from "@azure/functions";
import { parseMigrationPath } from "../../shared/model/migration-path.js";
import { findMigration } from "../../shared/requests/find-migration.js";
import { listMigrationSamples, parseSampleFilter } from "../../shared/requests/list-samples.js";
import { answer } from "./arm/answer.js";
import { migrationRoute } from "./arm/route.js";

app.http("listMigrationSamples", {
  methods: ["GET"],
  authLevel: "function",
  route: `${migrationRoute}/samples`,
  handler: (request, context) =>
    answer(request, context, async () => {
      const migration = await findMigration(parseMigrationPath(request.params));
      return { jsonBody: { value: await listMigrationSamples(migration, parseSampleFilter(request.query)) } };
    }),
});
