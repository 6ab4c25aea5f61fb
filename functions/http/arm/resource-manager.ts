/** Registering what azure-cli asks of Azure Resource Manager beside migrations. */
import type { HttpMethod, HttpResponseInit } from "@azure/functions";
import { type Call, httpOperation } from "./operation.js";

/** Any api-version: these are other APIs, with versions of their own. */
export function resourceManagerOperation(
  name: string,
  route: string,
  summary: string,
  work: (call: Call) => Promise<HttpResponseInit>,
  method: HttpMethod = "GET",
): void {
  const status = method === "HEAD" ? 204 : 200;
  httpOperation(
    {
      name,
      method,
      route,
      summary,
      part: "resource manager",
      anyVersion: true,
      answers: { [status]: { when: "always" } },
    },
    work,
  );
}
