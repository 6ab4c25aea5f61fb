import type { InvocationError } from "../worker/protocol.js";
import type { HistoryEvent } from "./history-event.js";

/** How a task's failure is told to its orchestrator, in the words of the Functions host (TaskActivityShim). */
export type Failure = Pick<HistoryEvent, "Reason" | "Details" | "FailureDetails">;

/** An activity function threw. The second space is the host's: it cuts the message out of a longer text. */
export function activityFailure(name: string, error: InvocationError): Failure {
  const failureDetails = readFailureDetails(error.message);
  return {
    Reason: `Activity function '${name}' failed: ${failureDetails?.ErrorMessage ?? ` ${error.message}`}`,
    Details: serializedException(error.message, error.stack),
    ...(failureDetails === undefined ? {} : { FailureDetails: JSON.stringify(failureDetails) }),
  };
}

/** The activity ran longer than functionTimeout; its worker was killed. */
export function activityTimeout(name: string, limitMs: number): Failure {
  const message = `Timeout value of ${new Date(limitMs).toISOString().slice(11, 19)} was exceeded by function: Functions.${name}`;
  return { Reason: `Activity function '${name}' failed: ${message}`, Details: serializedException(message, message) };
}

/** The activity's worker died too often. */
export function activityLost(name: string, deaths: number): Failure {
  const message = `its worker process died ${deaths} times while it ran.`;
  return { Reason: `Activity function '${name}' failed: ${message}`, Details: serializedException(message, message) };
}

function serializedException(message: string, stack: string): string {
  return JSON.stringify({
    $type: "System.Exception, System.Private.CoreLib",
    Message: message,
    StackTraceString: stack,
  });
}

/** An exception properties provider (durable-functions) turns the message into JSON. */
function readFailureDetails(message: string): Record<string, unknown> | undefined {
  if (!message.startsWith('{"errorType":')) {
    return undefined;
  }
  try {
    const details = JSON.parse(message) as Record<string, unknown>;
    return {
      ErrorType: details.errorType,
      ErrorMessage: details.errorMessage,
      StackTrace: details.stackTrace,
      IsNonRetriable: details.isNonRetriable,
      Properties: details.properties,
    };
  } catch {
    return undefined;
  }
}
