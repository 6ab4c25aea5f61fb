import { app as durable } from "durable-functions";
import { parseMigrationPath } from "../../shared/model/migration-path.js";
import { parseRetryRequest } from "../../shared/model/retry-request.js";
import { retryMigrationStatements } from "../../shared/requests/retry-statements.js";
import { answer } from "./arm/answer.js";
import { jsonBody } from "./arm/json-body.js";
import { migrationAnswer } from "./arm/migration-answer.js";
import { orchestrationsOf } from "./arm/orchestrations.js";
import { migrationRoute } from "./arm/route.js";

durable.client.http("retryMigrationStatements", {
  methods: ["POST"],
  authLevel: "function",
  route: `${migrationRoute}/statements/retry`,
  handler: (request, client, context) =>
    answer(request, context, async () => {
      const path = parseMigrationPath(request.params);
      const retry = parseRetryRequest(await jsonBody(request));
      await retryMigrationStatements(path, retry, orchestrationsOf(client));
      return await migrationAnswer(path, 202);
    }),
});
