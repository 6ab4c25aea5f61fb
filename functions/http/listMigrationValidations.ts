import { parseMigrationPath } from "../../shared/model/migration-path.js";
import { findMigration } from "../../shared/requests/find-migration.js";
import { listRuleOutcomes } from "../../shared/requests/list-rule-outcomes.js";
import { httpOperation } from "./arm/operation.js";
import { migrationRoute } from "./arm/route.js";

httpOperation(
  {
    name: "listMigrationValidations",
    method: "GET",
    route: `${migrationRoute}/validations`,
    part: "addition",
    summary: "The outcome of each validation rule with its times and remedy, Failed first.",
    answers: { 200: { when: "the migration is there" } },
  },
  async ({ request }) => {
    const { key } = await findMigration(parseMigrationPath(request.params));
    return { jsonBody: { value: await listRuleOutcomes(key) } };
  },
);
