/** What every HTTP trigger does around its own work: check version and caller, turn whatever is thrown into ARM's error shape, and set ARM's headers. */
import { randomUUID } from "node:crypto";
import type { HttpRequest, HttpResponseInit, InvocationContext } from "@azure/functions";
import { checkApiVersion } from "../../../shared/model/api-version.js";
import { RequestError } from "../../../shared/model/request-error.js";
import { ServiceError } from "../../../shared/model/service-error.js";
import type { Caller } from "../../../shared/requests/caller.js";
import { type Access, signedInCaller } from "./signed-in-caller.js";

export interface AnswerOptions {
  /** Default: Read for GET and HEAD, Write for everything else. */
  readonly access?: Access;
  /** Of another API than that of migrations, whose versions are its own. */
  readonly anyVersion?: boolean;
}

/** Runs a trigger's work and answers for it. */
export async function answer(
  request: HttpRequest,
  context: InvocationContext,
  work: (caller: Caller) => Promise<HttpResponseInit>,
  { access = /^(get|head)$/i.test(request.method) ? "Read" : "Write", anyVersion = false }: AnswerOptions = {},
): Promise<HttpResponseInit> {
  const requestId = randomUUID();
  let response: HttpResponseInit;
  try {
    const caller = signedInCaller(request, access);
    if (!anyVersion) checkApiVersion(request.query.get("api-version"));
    response = await work(caller);
  } catch (error) {
    response = refusal(error, context);
  }
  return { ...response, headers: { ...armHeaders(request, requestId), ...response.headers } };
}

/** ARM's headers of an answer; nothing that holds the state of a migration is to be kept on the way. */
function armHeaders(request: HttpRequest, requestId: string): Record<string, string> {
  const clientRequestId = idIn(request, "x-ms-client-request-id");
  return {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "x-ms-request-id": requestId,
    "x-ms-correlation-request-id": idIn(request, "x-ms-correlation-request-id") ?? requestId,
    ...(clientRequestId !== undefined && { "x-ms-client-request-id": clientRequestId }),
  };
}

/** An ID of the caller's, if it is short and printable. */
function idIn(request: HttpRequest, header: string): string | undefined {
  const id = request.headers.get(header);
  return id !== null && /^[\x21-\x7e]{1,128}$/.test(id) ? id : undefined;
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
