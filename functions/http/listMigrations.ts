import { app } from "@azure/functions";
import { parseServerPath } from "../../shared/model/migration-path.js";
import { listServerMigrations, parseMigrationFilter } from "../../shared/requests/list-migrations.js";
import { answer } from "./arm/answer.js";
import { nextLink } from "./arm/next-link.js";
import { migrationsRoute } from "./arm/route.js";

app.http("listMigrations", {
  methods: ["GET"],
  authLevel: "function",
  route: migrationsRoute,
  handler: (request, context) =>
    answer(request, context, async () => {
      const path = parseServerPath(request.params);
      const { migrations, next } = await listServerMigrations(path, parseMigrationFilter(request.query));
      const link = next === undefined ? undefined : nextLink(request.url, "$skipToken", next);
      return { jsonBody: { value: migrations, nextLink: link } };
    }),
});
