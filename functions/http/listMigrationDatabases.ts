import { parseMigrationPath } from "../../shared/model/migration-path.js";
import { listDatabaseProgress } from "../../shared/requests/database-progress.js";
import { findMigration } from "../../shared/requests/find-migration.js";
import { httpOperation } from "./arm/operation.js";
import { migrationRoute } from "./arm/route.js";

httpOperation(
  {
    name: "listMigrationDatabases",
    method: "GET",
    route: `${migrationRoute}/databases`,
    part: "addition",
    summary: "Progress of each database in more detail than ARM's dbDetails: steps, bytes, rows, exact counters.",
    answers: { 200: { when: "the migration is there" } },
  },
  async ({ request }) => {
    const { key } = await findMigration(parseMigrationPath(request.params));
    return { jsonBody: { value: await listDatabaseProgress(key) } };
  },
);
