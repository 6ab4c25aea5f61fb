import { parseServerPath } from "../../shared/model/migration-path.js";
import { parseConnectionTest, ServerRequestBody } from "../../shared/model/server-request.js";
import { probeServer } from "../../shared/postgres/probe.js";
import { administratorsFor } from "../../shared/requests/administrators.js";
import { knownLocation } from "../../shared/requests/known-location.js";
import { jsonBody } from "./arm/json-body.js";
import { httpOperation } from "./arm/operation.js";
import { serverRoute } from "./arm/route.js";

httpOperation(
  {
    name: "testConnection",
    method: "POST",
    route: `${serverRoute}/testConnection`,
    part: "addition",
    summary: "Connects to the servers that the body has a password for, and tells what is there or what is in the way.",
    body: ServerRequestBody,
    answers: { 200: { when: "reachable or not" } },
  },
  async ({ request }) => {
    const { server } = parseServerPath(request.params);
    const logins = parseConnectionTest(server, await jsonBody(request), await administratorsFor(server));
    const [source, target] = await Promise.all([
      logins.source && probeServer(logins.source),
      logins.target && probeServer(logins.target),
    ]);
    if (target?.reachable !== true || target.location !== undefined) return { jsonBody: { source, target } };
    return { jsonBody: { source, target: { ...target, location: await knownLocation(server) } } };
  },
);
