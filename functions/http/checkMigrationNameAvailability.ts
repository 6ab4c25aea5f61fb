import { app } from "@azure/functions";
import { parseServerPath } from "../../shared/model/migration-path.js";
import { checkMigrationName } from "../../shared/requests/check-name.js";
import { answer } from "./arm/answer.js";
import { jsonBody } from "./arm/json-body.js";
import { serverRoute } from "./arm/route.js";

app.http("checkMigrationNameAvailability", {
  methods: ["POST"],
  authLevel: "function",
  route: `${serverRoute}/checkMigrationNameAvailability`,
  handler: (request, context) =>
    answer(request, context, async () => {
      const { server } = parseServerPath(request.params);
      return { jsonBody: await checkMigrationName(server, await jsonBody(request)) };
    }),
});
