import { parseMigrationPath } from "../../shared/model/migration-path.js";
import { MigrationBody, parseMigrationRequest } from "../../shared/model/migration-request.js";
import { MigrationResource } from "../../shared/model/migration-resource.js";
import { administratorsFor } from "../../shared/requests/administrators.js";
import { createMigration } from "../../shared/requests/create-migration.js";
import { jsonBody } from "./arm/json-body.js";
import { migrationAnswer } from "./arm/migration-answer.js";
import { durableOperation } from "./arm/operation.js";
import { orchestrationsOf } from "./arm/orchestrations.js";
import { preconditionsOf } from "./arm/preconditions-of.js";
import { migrationRoute } from "./arm/route.js";

durableOperation(
  {
    name: "createMigration",
    method: "PUT",
    route: migrationRoute,
    part: "migrations",
    summary:
      "Creates a migration and starts it; repeated with the same body it answers the one that is there, with If-Match it replaces one that has ended.",
    body: MigrationBody,
    answers: {
      201: { when: "created", body: MigrationResource },
      200: { when: "it was there, created by the same body", body: MigrationResource },
    },
  },
  async ({ request, client, caller }) => {
    const path = parseMigrationPath(request.params);
    const body = await jsonBody(request);
    const migration = parseMigrationRequest(path, body, await administratorsFor(path.server));
    const { created } = await createMigration(migration, orchestrationsOf(client), preconditionsOf(request), caller);
    return await migrationAnswer(path, created ? 201 : 200);
  },
);
