import { app } from "@azure/functions";
import { parseServerPath } from "../../shared/model/migration-path.js";
import { parseConnectionTest } from "../../shared/model/server-request.js";
import { probeServer } from "../../shared/postgres/probe.js";
import { answer } from "./arm/answer.js";
import { jsonBody } from "./arm/json-body.js";
import { serverRoute } from "./arm/route.js";

app.http("testConnection", {
  methods: ["POST"],
  authLevel: "function",
  route: `${serverRoute}/testConnection`,
  handler: (request, context) =>
    answer(request, context, async () => {
      const { server } = parseServerPath(request.params);
      const logins = parseConnectionTest(server, await jsonBody(request));
      const [source, target] = await Promise.all([
        logins.source && probeServer(logins.source),
        logins.target && probeServer(logins.target),
      ]);
      return { jsonBody: { source, target } };
    }),
});
