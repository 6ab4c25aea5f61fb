import { app } from "@azure/functions";
import { parseServerPath } from "../../shared/model/migration-path.js";
import { parseSourceRequest } from "../../shared/model/server-request.js";
import { listDatabasesOfServer } from "../../shared/postgres/list-databases.js";
import { answer } from "./arm/answer.js";
import { jsonBody } from "./arm/json-body.js";
import { serverRoute } from "./arm/route.js";

app.http("listSourceDatabases", {
  methods: ["POST"],
  authLevel: "function",
  route: `${serverRoute}/listSourceDatabases`,
  handler: (request, context) =>
    answer(request, context, async () => {
      parseServerPath(request.params);
      const source = parseSourceRequest(await jsonBody(request));
      return { jsonBody: { value: await listDatabasesOfServer(source) } };
    }),
});
