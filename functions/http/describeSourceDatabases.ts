import { app } from "@azure/functions";
import { parseServerPath } from "../../shared/model/migration-path.js";
import { parseDatabasesRequest } from "../../shared/model/server-request.js";
import { describeDatabase } from "../../shared/postgres/describe-database.js";
import { answer } from "./arm/answer.js";
import { jsonBody } from "./arm/json-body.js";
import { serverRoute } from "./arm/route.js";

app.http("describeSourceDatabases", {
  methods: ["POST"],
  authLevel: "function",
  route: `${serverRoute}/describeSourceDatabases`,
  handler: (request, context) =>
    answer(request, context, async () => {
      parseServerPath(request.params);
      const { source, databases } = parseDatabasesRequest(await jsonBody(request));
      return {
        jsonBody: { value: await Promise.all(databases.map((database) => describeDatabase(source, database))) },
      };
    }),
});
