import { app as durable } from "durable-functions";
import { parseMigrationPath } from "../../shared/model/migration-path.js";
import { cancelMigration } from "../../shared/requests/update-migration.js";
import { answer } from "./answer.js";
import { migrationAnswer } from "./migration-answer.js";
import { orchestrationsOf } from "./orchestrations.js";
import { preconditionsOf } from "./preconditions-of.js";
import { migrationRoute } from "./route.js";

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
