import { parseServerPath } from "../../shared/model/migration-path.js";
import { parseSourceRequest, ServerRequestBody } from "../../shared/model/server-request.js";
import { listDatabasesOfServer } from "../../shared/postgres/list-databases.js";
import { administratorsFor } from "../../shared/requests/administrators.js";
import { jsonBody } from "./arm/json-body.js";
import { httpOperation } from "./arm/operation.js";
import { serverRoute } from "./arm/route.js";

httpOperation(
  {
    name: "listSourceDatabases",
    method: "POST",
    route: `${serverRoute}/listSourceDatabases`,
    part: "addition",
    summary: "Lists the source's databases with their sizes.",
    body: ServerRequestBody,
    answers: { 200: { when: "the source could be reached" } },
  },
  async ({ request }) => {
    const { server } = parseServerPath(request.params);
    const source = parseSourceRequest(await jsonBody(request), await administratorsFor(server));
    return { jsonBody: { value: await listDatabasesOfServer(source) } };
  },
);
