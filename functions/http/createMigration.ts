import { app as durable } from "durable-functions";
import { parseMigrationPath } from "../../shared/model/migration-path.js";
import { parseMigrationRequest } from "../../shared/model/migration-request.js";
import { createMigration } from "../../shared/requests/create-migration.js";
import { answer } from "./arm/answer.js";
import { jsonBody } from "./arm/json-body.js";
import { migrationAnswer } from "./arm/migration-answer.js";
import { orchestrationsOf } from "./arm/orchestrations.js";
import { preconditionsOf } from "./arm/preconditions-of.js";
import { migrationRoute } from "./arm/route.js";

durable.client.http("createMigration", {
  methods: ["PUT"],
  authLevel: "function",
  route: migrationRoute,
  handler: (request, client, context) =>
    answer(request, context, async () => {
      const path = parseMigrationPath(request.params);
      const migration = parseMigrationRequest(path, await jsonBody(request));
      const { created } = await createMigration(migration, orchestrationsOf(client), preconditionsOf(request));
      return await migrationAnswer(path, created ? 201 : 200);
    }),
});
