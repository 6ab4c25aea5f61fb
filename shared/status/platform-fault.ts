/**
 * Faults of the platform that we run on, as opposed to those of the servers that we migrate: the storage account throttles, restarts or cannot be
 * reached; its name cannot be looked up; the identity endpoint has no token. They say nothing about a migration and are waited out for as long as it
 * lives.
 */

/** Of Node's sockets and resolver. */
const systemCodes: ReadonlySet<string> = new Set([
  "ECONNRESET",
  "ECONNREFUSED",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "ESOCKETTIMEDOUT",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENETUNREACH",
  "ENETDOWN",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EMFILE",
  "ERR_STREAM_PREMATURE_CLOSE",
]);

/** Of the Azure SDK: a request that could not be sent, or whose answer was cut off. */
const sdkCodes: ReadonlySet<string> = new Set(["REQUEST_SEND_ERROR", "REQUEST_ABORTED_ERROR", "PARSE_ERROR"]);

/** Of @azure/identity: who asks for a token at startup may be earlier than the endpoint that gives it. */
const identityErrors: ReadonlySet<string> = new Set([
  "AuthenticationError",
  "AggregateAuthenticationError",
  "CredentialUnavailableError",
]);

/** Request Timeout, Too Many Requests; and whatever is the service's own fault but "not implemented". */
function isTemporary(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 501 && status !== 505);
}

/** True for what the storage account or the identity endpoint answers, or fails to, for reasons of its own. */
export function isPlatformFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (identityErrors.has(error.name)) return true;
  // By name: each of the SDK's packages may bring a class of its own.
  if (error.name !== "RestError") return false;
  const { statusCode, code } = error as { statusCode?: unknown; code?: unknown };
  if (typeof statusCode === "number") return isTemporary(statusCode) || code === "PARSE_ERROR";
  return typeof code === "string" && (systemCodes.has(code) || sdkCodes.has(code));
}
