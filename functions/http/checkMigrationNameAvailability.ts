import { parseServerPath } from "../../shared/model/migration-path.js";
import { checkMigrationName, NameAvailability, NameCheckBody } from "../../shared/requests/check-name.js";
import { jsonBody } from "./arm/json-body.js";
import { httpOperation } from "./arm/operation.js";
import { serverRoute } from "./arm/route.js";

httpOperation(
  {
    name: "checkMigrationNameAvailability",
    method: "POST",
    route: `${serverRoute}/checkMigrationNameAvailability`,
    part: "migrations",
    summary: "Tells whether a migration of this name can be created.",
    access: "Read",
    body: NameCheckBody,
    answers: { 200: { when: "free or not", body: NameAvailability } },
  },
  async ({ request }) => {
    const { server } = parseServerPath(request.params);
    return { jsonBody: await checkMigrationName(server, await jsonBody(request)) };
  },
);
