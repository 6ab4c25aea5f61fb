import { MigrationPatchBody, parseMigrationPatch } from "../../shared/model/migration-patch.js";
import { parseMigrationPath } from "../../shared/model/migration-path.js";
import { MigrationResource } from "../../shared/model/migration-resource.js";
import { patchMigration } from "../../shared/requests/update-migration.js";
import { jsonBody } from "./arm/json-body.js";
import { migrationAnswer } from "./arm/migration-answer.js";
import { durableOperation } from "./arm/operation.js";
import { orchestrationsOf } from "./arm/orchestrations.js";
import { preconditionsOf } from "./arm/preconditions-of.js";
import { migrationRoute } from "./arm/route.js";

durableOperation(
  {
    name: "updateMigration",
    method: "PATCH",
    route: migrationRoute,
    part: "migrations",
    summary: "Changes a migration that has not ended, or tells it to go on, to cut over or to stop.",
    body: MigrationPatchBody,
    answers: { 200: { when: "changed", body: MigrationResource } },
  },
  async ({ request, client, caller }) => {
    const path = parseMigrationPath(request.params);
    const patch = parseMigrationPatch(await jsonBody(request));
    await patchMigration(path, patch, orchestrationsOf(client), preconditionsOf(request), caller);
    return await migrationAnswer(path);
  },
);
