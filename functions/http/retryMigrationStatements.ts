import { parseMigrationPath } from "../../shared/model/migration-path.js";
import { MigrationResource } from "../../shared/model/migration-resource.js";
import { parseRetryRequest, RetryBody } from "../../shared/model/retry-request.js";
import { retryMigrationStatements } from "../../shared/requests/retry-statements.js";
import { jsonBody } from "./arm/json-body.js";
import { migrationAnswer } from "./arm/migration-answer.js";
import { durableOperation } from "./arm/operation.js";
import { orchestrationsOf } from "./arm/orchestrations.js";
import { migrationRoute } from "./arm/route.js";

durableOperation(
  {
    name: "retryMigrationStatements",
    method: "POST",
    route: `${migrationRoute}/statements/retry`,
    part: "addition",
    summary:
      "Applies the statements again that an ended migration could not, without copying anything; with the target's password, which was deleted when it ended.",
    body: RetryBody,
    answers: {
      202: { when: "begun: the migration is in CompletingMigration until it has ended", body: MigrationResource },
    },
  },
  async ({ request, client }) => {
    const path = parseMigrationPath(request.params);
    const retry = parseRetryRequest(await jsonBody(request));
    await retryMigrationStatements(path, retry, orchestrationsOf(client));
    return await migrationAnswer(path, 202);
  },
);
