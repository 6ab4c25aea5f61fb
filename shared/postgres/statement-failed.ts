import { DatabaseError } from "pg";
import { ServiceError } from "../model/service-error.js";

/** A statement's failure as the user meets it: the object, and all that the server said about it. The cause is kept: isTransient() looks at it. */
export function statementFailed(object: string, error: unknown): ServiceError {
  return new ServiceError("SchemaStatementFailed", `${object}: ${serverWords(error)}`, {
    target: object,
    cause: error,
  });
}

/** Message, detail, hint and SQLSTATE in one line. */
export function serverWords(error: unknown): string {
  if (!(error instanceof DatabaseError)) return error instanceof Error ? error.message : String(error);
  const told = [error.message, error.detail, error.hint].filter((part) => part !== undefined && part !== "");
  return `${told.map((part) => part?.replace(/\.$/, "")).join(". ")} (SQLSTATE ${error.code})`;
}
