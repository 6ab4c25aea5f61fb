import { app } from "@azure/functions";
import { parseMigrationPath } from "../../shared/model/migration-path.js";
import { findMigration } from "../../shared/requests/find-migration.js";
import { listRuleOutcomes } from "../../shared/requests/list-rule-outcomes.js";
import { answer } from "./arm/answer.js";
import { migrationRoute } from "./arm/route.js";

app.http("listMigrationValidations", {
  methods: ["GET"],
  authLevel: "function",
  route: `${migrationRoute}/validations`,
  handler: (request, context) =>
    answer(request, context, async () => {
      const { key } = await findMigration(parseMigrationPath(request.params));
      return { jsonBody: { value: await listRuleOutcomes(key) } };
    }),
});
