import { app } from "@azure/functions";
import { parseServerPath } from "../../shared/model/migration-path.js";
import { checkMigrationName } from "../../shared/requests/check-name.js";
import { answer } from "./answer.js";
import { jsonBody } from "./json-body.js";
import { serverRoute } from "./route.js";

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
