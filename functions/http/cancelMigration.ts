import { parseMigrationPath } from "../../shared/model/migration-path.js";
import { MigrationResource } from "../../shared/model/migration-resource.js";
import { cancelMigration } from "../../shared/requests/update-migration.js";
import { migrationAnswer } from "./arm/migration-answer.js";
import { durableOperation } from "./arm/operation.js";
import { orchestrationsOf } from "./arm/orchestrations.js";
import { preconditionsOf } from "./arm/preconditions-of.js";
import { migrationRoute } from "./arm/route.js";

durableOperation(
  {
    name: "cancelMigration",
    method: "DELETE",
    route: migrationRoute,
    part: "migrations",
    summary: "Cancels a migration with all its databases. What has been copied stays on the target.",
    answers: {
      200: { when: "it is being cancelled", body: MigrationResource },
      204: { when: "there is no such migration" },
    },
  },
  async ({ request, client, caller }) => {
    const path = parseMigrationPath(request.params);
    const found = await cancelMigration(path, orchestrationsOf(client), preconditionsOf(request), caller);
    return found ? await migrationAnswer(path) : { status: 204 };
  },
);
