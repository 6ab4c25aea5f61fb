/** What an orchestration and a user are told of an error: the server's own words, with its detail and hint, and without values of rows. */
import { DatabaseError } from "pg";
import type { Failure } from "../model/outcome.js";
import { ServiceError } from "../model/service-error.js";
import { wordsOf } from "../postgres/server-words.js";

/** @param ofRows as wordsOf() */
export function failureOf(error: unknown, ofRows = false): Failure {
  if (error instanceof ServiceError) {
    return {
      code: error.code,
      message: error.message,
      ...(error.target === undefined ? {} : { target: error.target }),
    };
  }
  if (error instanceof DatabaseError) {
    const { message: said, detail, hint, where } = wordsOf(error, { ofRows });
    const message = [
      said,
      ...(detail === undefined ? [] : [`Detail: ${detail}`]),
      ...(hint === undefined ? [] : [`Hint: ${hint}`]),
      ...(where === undefined ? [] : [`Where: ${where}`]),
      `(SQLSTATE ${error.code ?? "unknown"})`,
    ].join(" ");
    return { code: error.code ?? "XX000", message };
  }
  return { code: "InternalError", message: error instanceof Error ? error.message : String(error) };
}
