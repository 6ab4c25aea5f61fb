import { app } from "@azure/functions";
import { parseMigrationPath } from "../../shared/model/migration-path.js";
import { findMigration } from "../../shared/requests/find-migration.js";
import {
  listMigrationStatements,
  parseStatementFilter,
  statementsScript,
  wantsScript,
} from "../../shared/requests/list-statements.js";
import { answer } from "./arm/answer.js";
import { migrationRoute } from "./arm/route.js";

app.http("listMigrationStatements", {
  methods: ["GET"],
  authLevel: "function",
  route: `${migrationRoute}/statements`,
  handler: (request, context) =>
    answer(request, context, async () => {
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
      return {
        jsonBody: { value: statements, nextLink: next === undefined ? undefined : pageLink(request.url, next) },
      };
    }),
});

function pageLink(url: string, skip: number): string {
  const link = new URL(url);
  link.searchParams.set("skip", String(skip));
  // A function key may be in the query: no answer repeats it, whoever follows the link sends it again.
  link.searchParams.delete("code");
  return link.href;
}
