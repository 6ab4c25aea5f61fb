import { DatabaseError } from "pg";
import { ServiceError } from "../model/service-error.js";
import { wordsOf } from "./server-words.js";

/** A statement's failure as the user meets it: the object, and all that the server said about it. The cause is kept: isTransient() looks at it. @param ofRows as wordsOf() */
export function statementFailed(object: string, error: unknown, ofRows: boolean): ServiceError {
  return new ServiceError("SchemaStatementFailed", `${object}: ${serverWords(error, ofRows)}`, {
    target: object,
    cause: error,
  });
}

/** Message, detail, hint and SQLSTATE in one line. @param ofRows as wordsOf() */
export function serverWords(error: unknown, ofRows = false): string {
  if (!(error instanceof DatabaseError)) return error instanceof Error ? error.message : String(error);
  const { message, detail, hint } = wordsOf(error, { ofRows });
  const told = [message, detail, hint].filter((part) => part !== undefined);
  return `${told.map((part) => part?.replace(/\.$/, "")).join(". ")} (SQLSTATE ${error.code})`;
}
