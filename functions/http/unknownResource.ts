import { RequestError } from "../../shared/model/request-error.js";
import { httpOperation } from "./arm/operation.js";

/** Below every other route: a client of ARM reads a code and a message even where there is nothing. */
for (const method of ["GET", "PUT", "POST", "PATCH", "DELETE"] as const) {
  httpOperation(
    {
      name: `unknownResource${method}`,
      method,
      route: "subscriptions/{subscriptionId}/{collection}/{*path}",
      summary: "Anything else under a subscription.",
      part: "resource manager",
      anyVersion: true,
      answers: { 404: { when: "always, with ARM's error" } },
    },
    async ({ request }) => {
      const { pathname } = new URL(request.url);
      throw new RequestError(
        404,
        "ResourceNotFound",
        `${method} ${pathname.slice(0, 300)} is no operation of this service: docs/api.md lists what it answers.`,
      );
    },
  );
}
