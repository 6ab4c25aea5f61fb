/** Which errors may go away when the same thing is tried again. */
import { DatabaseError } from "pg";
import { ServiceError } from "../model/service-error.js";
import { isPlatformFault } from "../status/platform-fault.js";
import { ProtocolViolation } from "./server-messages.js";

/** SQLSTATE classes and codes (PostgreSQL docs, appendix A): connection exceptions, rollbacks by the server, resources, operator intervention. */
const transientStates = ["08", "40", "53", "57P01", "57P02", "57P03", "57014", "55P03", "55006", "25P03", "57P05"];

const transientServiceErrors = new Set(["ServerUnreachable", "ConnectionRefused", "TooManyConnections"]);

const transientSystemErrors = new Set([
  "ECONNRESET",
  "ECONNREFUSED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EAI_AGAIN",
]);

/** True for lost connections, deadlocks, servers that start, stop or are full, faults of the platform; false for what another attempt would meet again. */
export function isTransient(error: unknown): boolean {
  if (error instanceof ProtocolViolation) return true;
  if (error instanceof DatabaseError) return transientStates.some((state) => error.code?.startsWith(state) === true);
  if (error instanceof ServiceError) {
    return transientServiceErrors.has(error.code) || (error.cause !== undefined && isTransient(error.cause));
  }
  if (!(error instanceof Error)) return false;
  if (isPlatformFault(error)) return true;
  if ("code" in error && transientSystemErrors.has(String(error.code))) return true;
  return /Connection terminated|closed the connection|connection timeout|Client has encountered a connection error|not queryable|premature close/i.test(
    error.message,
  );
}
