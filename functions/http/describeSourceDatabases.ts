import { parseServerPath } from "../../shared/model/migration-path.js";
import { DatabasesRequestBody, parseDatabasesRequest } from "../../shared/model/server-request.js";
import { describeDatabase } from "../../shared/postgres/describe-database.js";
import { administratorsFor } from "../../shared/requests/administrators.js";
import { jsonBody } from "./arm/json-body.js";
import { httpOperation } from "./arm/operation.js";
import { serverRoute } from "./arm/route.js";

httpOperation(
  {
    name: "describeSourceDatabases",
    method: "POST",
    route: `${serverRoute}/describeSourceDatabases`,
    part: "addition",
    summary:
      "Tells what is in the source's databases that dbsToMigrate names: tables, the largest of them, large objects, extensions.",
    body: DatabasesRequestBody,
    answers: { 200: { when: "the source could be reached, or not: each database tells" } },
  },
  async ({ request }) => {
    const { server } = parseServerPath(request.params);
    const { source, databases } = parseDatabasesRequest(await jsonBody(request), await administratorsFor(server));
    return { jsonBody: { value: await Promise.all(databases.map((database) => describeDatabase(source, database))) } };
  },
);
