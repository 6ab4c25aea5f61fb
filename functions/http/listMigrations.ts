import { app } from "@azure/functions";
import { parseServerPath } from "../../shared/model/migration-path.js";
import { listServerMigrations, parseListFilter } from "../../shared/requests/list-migrations.js";
import { answer } from "./arm/answer.js";
import { migrationsRoute } from "./arm/route.js";

app.http("listMigrations", {
  methods: ["GET"],
  authLevel: "function",
  route: migrationsRoute,
  handler: (request, context) =>
    answer(request, context, async () => {
      const path = parseServerPath(request.params);
      const filter = parseListFilter(request.query.get("migrationListFilter"));
      return { jsonBody: { value: await listServerMigrations(path, filter) } };
    }),
});
