import type { HttpRequest } from "@azure/functions";
import type { Preconditions } from "../../../shared/requests/preconditions.js";

/** The conditions that a request's headers set. */
export function preconditionsOf(request: HttpRequest): Preconditions {
  return {
    ifMatch: request.headers.get("if-match") ?? undefined,
    ifNoneMatch: request.headers.get("if-none-match") ?? undefined,
  };
}
