import { parseMigrationPath } from "../../shared/model/migration-path.js";
import { readCutoverReadiness } from "../../shared/requests/cutover-readiness.js";
import { findMigration } from "../../shared/requests/find-migration.js";
import { httpOperation } from "./arm/operation.js";
import { migrationRoute } from "./arm/route.js";

httpOperation(
  {
    name: "readCutoverReadiness",
    method: "GET",
    route: `${migrationRoute}/cutoverReadiness`,
    part: "addition",
    summary:
      "Asks the source what has to be known before the cutover: open transactions, pending bytes, tables that do not replicate.",
    answers: { 200: { when: "it waits for the cutover" } },
  },
  async ({ request }) => {
    const migration = await findMigration(parseMigrationPath(request.params));
    return { jsonBody: { value: await readCutoverReadiness(migration) } };
  },
);
