/** What an orchestration and a user are told of an error: the server's own words, with its detail and hint. */
import { DatabaseError } from "pg";
import type { Failure } from "../model/outcome.js";
import { ServiceError } from "../model/service-error.js";

export function failureOf(error: unknown): Failure {
  if (error instanceof ServiceError) {
    return {
      code: error.code,
      message: error.message,
      ...(error.target === undefined ? {} : { target: error.target }),
    };
  }
  if (error instanceof DatabaseError) {
    const message = [
      error.message,
      ...(error.detail === undefined ? [] : [`Detail: ${error.detail}`]),
      ...(error.hint === undefined ? [] : [`Hint: ${error.hint}`]),
      ...(error.where === undefined ? [] : [`Where: ${error.where.split("\n")[0]}`]),
      `(SQLSTATE ${error.code ?? "unknown"})`,
    ].join(" ");
    return { code: error.code ?? "XX000", message };
  }
  return { code: "InternalError", message: error instanceof Error ? error.message : String(error) };
}
