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
    summary:
      "Every rule's outcome with its name and the milliseconds it took, which ARM's validationDetails have no room for.",
    answers: { 200: { when: "the migration is there" } },
  },
  async ({ request }) => {
    const { key } = await findMigration(parseMigrationPath(request.params));
    return { jsonBody: { value: await listRuleOutcomes(key) } };
  },
);
