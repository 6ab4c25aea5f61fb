import { parseMigrationPath } from "../../shared/model/migration-path.js";
import { findMigration } from "../../shared/requests/find-migration.js";
import { listTransitions } from "../../shared/status/transitions.js";
import { httpOperation } from "./arm/operation.js";
import { migrationRoute } from "./arm/route.js";

httpOperation(
  {
    name: "listMigrationTransitions",
    method: "GET",
    route: `${migrationRoute}/transitions`,
    part: "addition",
    summary: "Every change of state or substate with its time.",
    answers: { 200: { when: "the migration is there" } },
  },
  async ({ request }) => {
    const { key } = await findMigration(parseMigrationPath(request.params));
    return { jsonBody: { value: await listTransitions(key) } };
  },
);
