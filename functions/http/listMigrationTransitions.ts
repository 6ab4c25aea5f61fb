import { app } from "@azure/functions";
import { parseMigrationPath } from "../../shared/model/migration-path.js";
import { findMigration } from "../../shared/requests/find-migration.js";
import { listTransitions } from "../../shared/status/transitions.js";
import { answer } from "./arm/answer.js";
import { migrationRoute } from "./arm/route.js";

app.http("listMigrationTransitions", {
  methods: ["GET"],
  authLevel: "function",
  route: `${migrationRoute}/transitions`,
  handler: (request, context) =>
    answer(request, context, async () => {
      const { key } = await findMigration(parseMigrationPath(request.params));
      return { jsonBody: { value: await listTransitions(key) } };
    }),
});
