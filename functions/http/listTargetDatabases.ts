import { parseServerPath } from "../../shared/model/migration-path.js";
import { parseTargetRequest, ServerRequestBody } from "../../shared/model/server-request.js";
import { listDatabasesOfServer } from "../../shared/postgres/list-databases.js";
import { administratorsFor } from "../../shared/requests/administrators.js";
import { jsonBody } from "./arm/json-body.js";
import { httpOperation } from "./arm/operation.js";
import { serverRoute } from "./arm/route.js";

httpOperation(
  {
    name: "listTargetDatabases",
    method: "POST",
    route: `${serverRoute}/listTargetDatabases`,
    part: "addition",
    summary: "Lists the target's databases with their sizes.",
    body: ServerRequestBody,
    answers: { 200: { when: "the target could be reached" } },
  },
  async ({ request }) => {
    const { server } = parseServerPath(request.params);
    const target = parseTargetRequest(server, await jsonBody(request), await administratorsFor(server));
    return { jsonBody: { value: await listDatabasesOfServer(target) } };
  },
);
