import { app as durable } from "durable-functions";
import { parseMigrationPatch } from "../../shared/model/migration-patch.js";
import { parseMigrationPath } from "../../shared/model/migration-path.js";
import { patchMigration } from "../../shared/requests/update-migration.js";
import { answer } from "./arm/answer.js";
import { jsonBody } from "./arm/json-body.js";
import { migrationAnswer } from "./arm/migration-answer.js";
import { orchestrationsOf } from "./arm/orchestrations.js";
import { preconditionsOf } from "./arm/preconditions-of.js";
import { migrationRoute } from "./arm/route.js";

durable.client.http("updateMigration", {
  methods: ["PATCH"],
  authLevel: "function",
  route: migrationRoute,
  handler: (request, client, context) =>
    answer(request, context, async () => {
      const path = parseMigrationPath(request.params);
      const patch = parseMigrationPatch(await jsonBody(request));
      await patchMigration(path, patch, orchestrationsOf(client), preconditionsOf(request));
      return await migrationAnswer(path);
    }),
});
