import { app } from "@azure/functions";
import { parseMigrationPath } from "../../shared/model/migration-path.js";
import { answer } from "./arm/answer.js";
import { migrationAnswer } from "./arm/migration-answer.js";
import { migrationRoute } from "./arm/route.js";

app.http("getMigration", {
  methods: ["GET"],
  authLevel: "function",
  route: migrationRoute,
  handler: (request, context) =>
    answer(request, context, async () => await migrationAnswer(parseMigrationPath(request.params))),
});
