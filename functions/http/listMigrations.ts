import { parseServerPath } from "../../shared/model/migration-path.js";
import { MigrationList } from "../../shared/model/migration-resource.js";
import { listServerMigrations, parseMigrationFilter } from "../../shared/requests/list-migrations.js";
import { nextLink } from "./arm/next-link.js";
import { httpOperation } from "./arm/operation.js";
import { migrationsRoute } from "./arm/route.js";

httpOperation(
  {
    name: "listMigrations",
    method: "GET",
    route: migrationsRoute,
    part: "migrations",
    summary: "Lists the migrations of a target server, newest start first, in pages.",
    query: {
      migrationListFilter: "`Active` (the default): those that have not ended; or `All`.",
      maxpagesize: "Migrations on a page: 1 to 1000, 100 without. An addition.",
      $skipToken: "From a `nextLink`. An addition.",
    },
    answers: { 200: { when: "always, with an empty list where there is none", body: MigrationList } },
  },
  async ({ request }) => {
    const path = parseServerPath(request.params);
    const { migrations, next } = await listServerMigrations(path, parseMigrationFilter(request.query));
    const link = next === undefined ? undefined : nextLink(request.url, "$skipToken", next);
    return { jsonBody: { value: migrations, nextLink: link } };
  },
);
