/** What every HTTP trigger does around its own work: check the API version, and turn whatever is thrown into ARM's error shape. */
import type { HttpRequest, HttpResponseInit, InvocationContext } from "@azure/functions";
import { RequestError } from "../../../shared/model/request-error.js";
import { ServiceError } from "../../../shared/model/service-error.js";

const apiVersion = "2025-08-01";

/** Runs a trigger's work and answers for it. */
export async function answer(
  request: HttpRequest,
  context: InvocationContext,
  work: () => Promise<HttpResponseInit>,
): Promise<HttpResponseInit> {
  try {
    const version = request.query.get("api-version");
    if (version !== null && version !== apiVersion) {
      const message = `api-version "${version}" is not supported: use api-version=${apiVersion}, or leave it out.`;
      throw new RequestError(400, "InvalidApiVersionParameter", message, { target: "api-version" });
    }
    return await work();
  } catch (error) {
    return refusal(error, context);
  }
}

/** ARM's error shape: {"error": {code, message, target?, details}}. */
function refusal(error: unknown, context: InvocationContext): HttpResponseInit {
  if (error instanceof RequestError) {
    const { status, code, message, target, details } = error;
    return { status, jsonBody: { error: { code, message, target, details } } };
  }
  if (error instanceof ServiceError) {
    // Settings are the operator's, everything else is about a server that the request names.
    const status = error.code.startsWith("Setting") || error.code.startsWith("Secrets") ? 500 : 400;
    const { code, message, target } = error;
    return { status, jsonBody: { error: { code, message, target, details: [] } } };
  }
  context.error(error);
  const message = `The service failed to answer; its log has the cause under invocation ${context.invocationId}. Repeat the request.`;
  return { status: 500, jsonBody: { error: { code: "InternalError", message, details: [] } } };
}
