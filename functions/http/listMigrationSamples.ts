import { parseMigrationPath } from "../../shared/model/migration-path.js";
import { findMigration } from "../../shared/requests/find-migration.js";
import { listMigrationSamples, parseSampleFilter } from "../../shared/requests/list-samples.js";
import { httpOperation } from "./arm/operation.js";
import { migrationRoute } from "./arm/route.js";

httpOperation(
  {
    name: "listMigrationSamples",
    method: "GET",
    route: `${migrationRoute}/samples`,
    part: "addition",
    summary:
      "Bytes copied, latency and changes of each database over time; more than 600 points a database are thinned out.",
    query: {
      database: "Only this one's.",
      since: "ISO 8601, UTC: only what came later.",
    },
    answers: { 200: { when: "the migration is there" } },
  },
  async ({ request }) => {
    const migration = await findMigration(parseMigrationPath(request.params));
    return { jsonBody: { value: await listMigrationSamples(migration, parseSampleFilter(request.query)) } };
  },
);
