import { parseMigrationPath } from "../../shared/model/migration-path.js";
import { findMigration } from "../../shared/requests/find-migration.js";
import {
  listMigrationStatements,
  parseStatementFilter,
  statementsScript,
  wantsScript,
} from "../../shared/requests/list-statements.js";
import { nextLink } from "./arm/next-link.js";
import { httpOperation } from "./arm/operation.js";
import { migrationRoute } from "./arm/route.js";

httpOperation(
  {
    name: "listMigrationStatements",
    method: "GET",
    route: `${migrationRoute}/statements`,
    part: "addition",
    summary:
      "The schema's statements that the target did not take at once, in the order in which they are to be run: what was refused, left out, or applied later, why, and what to do.",
    query: {
      database: "Only this one's.",
      fate: "Only statements that are `applied`, `leftOut` or `refused`.",
      format:
        "`sql`: what is left to apply as a script for psql (as with `Accept: application/sql`); `json` otherwise.",
      skip: "From a `nextLink`.",
    },
    answers: { 200: { when: "the migration is there" } },
  },
  async ({ request }) => {
    const migration = await findMigration(parseMigrationPath(request.params));
    const filter = parseStatementFilter(request.query);
    if (wantsScript(request.query, request.headers.get("accept"))) {
      return {
        headers: {
          "Content-Type": "application/sql; charset=utf-8",
          "Content-Disposition": `attachment; filename="${migration.name}-statements.sql"`,
        },
        body: await statementsScript(migration, filter),
      };
    }
    const { statements, next } = await listMigrationStatements(migration, filter);
    const link = next === undefined ? undefined : nextLink(request.url, "skip", String(next));
    return { jsonBody: { value: statements, nextLink: link } };
  },
);
