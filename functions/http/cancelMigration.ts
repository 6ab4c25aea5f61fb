import { app as durable } from "durable-functions";
import { parseMigrationPath } from "../../shared/model/migration-path.js";
import { cancelMigration } from "../../shared/requests/update-migration.js";
import { answer } from "./arm/answer.js";
import { migrationAnswer } from "./arm/migration-answer.js";
import { orchestrationsOf } from "./arm/orchestrations.js";
import { preconditionsOf } from "./arm/preconditions-of.js";
import { migrationRoute } from "./arm/route.js";

durable.client.http("cancelMigration", {
  methods: ["DELETE"],
  authLevel: "function",
  route: migrationRoute,
  handler: (request, client, context) =>
    answer(request, context, async () => {
      const path = parseMigrationPath(request.params);
      await cancelMigration(path, orchestrationsOf(client), preconditionsOf(request));
      return await migrationAnswer(path);
    }),
});
