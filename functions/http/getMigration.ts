import { parseMigrationPath } from "../../shared/model/migration-path.js";
import { MigrationResource } from "../../shared/model/migration-resource.js";
import { migrationAnswer } from "./arm/migration-answer.js";
import { httpOperation } from "./arm/operation.js";
import { migrationRoute } from "./arm/route.js";

httpOperation(
  {
    name: "getMigration",
    method: "GET",
    route: migrationRoute,
    part: "migrations",
    summary: "Tells how a migration is.",
    answers: { 200: { when: "it is there", body: MigrationResource } },
  },
  async ({ request }) => await migrationAnswer(parseMigrationPath(request.params)),
);
