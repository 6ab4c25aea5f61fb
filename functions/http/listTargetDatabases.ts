import { app } from "@azure/functions";
import { parseServerPath } from "../../shared/model/migration-path.js";
import { parseTargetRequest } from "../../shared/model/server-request.js";
import { listDatabasesOfServer } from "../../shared/postgres/list-databases.js";
import { answer } from "./arm/answer.js";
import { jsonBody } from "./arm/json-body.js";
import { serverRoute } from "./arm/route.js";

app.http("listTargetDatabases", {
  methods: ["POST"],
  authLevel: "function",
  route: `${serverRoute}/listTargetDatabases`,
  handler: (request, context) =>
    answer(request, context, async () => {
      const { server } = parseServerPath(request.params);
      const target = parseTargetRequest(server, await jsonBody(request));
      return { jsonBody: { value: await listDatabasesOfServer(target) } };
    }),
});
