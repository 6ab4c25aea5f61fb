/** A statement of the schema that the target did not take: what that means, and what to do about it. */
import pg from "pg";
import { quoteIdentifier } from "../postgres/identifiers.js";
import { wordsOf } from "../postgres/server-words.js";
import type { SchemaStatement, StatementKind } from "./schema-statement.js";

/** leftOut: told, and the migration can succeed without. refused: the database fails, with everything else in place. */
export type UnappliedFate = "leftOut" | "refused";

export interface UnappliedStatement {
  readonly statement: Pick<SchemaStatement, "kind" | "object" | "sql" | "order">;
  readonly fate: UnappliedFate;
  /** SQLSTATE. */
  readonly code?: string;
  /** The server's own words. */
  readonly message?: string;
  /** The role that the target lacks, if that was the reason. */
  readonly missingRole?: string;
  readonly remedy: string;
}

/** What may be missing without a row being lost or wrong when the target lacks the role or we lack the right. */
const dispensable: ReadonlySet<StatementKind> = new Set([
  "owner",
  "grant",
  "defaultPrivileges",
  "policy",
  "userMapping",
  "comment",
  "publication",
  "securityLabel",
  "eventTrigger",
]);

/** What only says something about an object: when that was refused, this is of no consequence. */
const aboutAnObject: ReadonlySet<StatementKind> = new Set(["owner", "grant", "comment", "securityLabel"]);

/** What changes neither a row nor what may be done with it: it can be done later, or left. */
const ofNoConsequence: ReadonlySet<StatementKind> = new Set(["tuning", "refresh", "analyze", "databaseProperty"]);

/** What the rows need: a database without it is not migrated. */
const indispensable: ReadonlySet<StatementKind> = new Set(["table", "type", "schema", "sequence"]);

/** undefined_object, undefined_function, undefined_table, invalid_schema_name (PostgreSQL docs, appendix A). */
const absentObject: ReadonlySet<string> = new Set(["42704", "42883", "42P01", "3F000"]);

/** SQLSTATEs (PostgreSQL docs, appendix A) that mean "not here, or not by you" for a dispensable statement. */
const notHereOrNotByYou: ReadonlySet<string> = new Set([
  "42501", // insufficient_privilege
  "0LP01", // invalid_grant_operation
  "42704", // undefined_object: its object was refused before
  "22023", // invalid_parameter_value: a security label's provider is not loaded
]);

/** "Already there": what somebody has put right by hand. */
const alreadyThere: ReadonlySet<string> = new Set(["42P07", "42710", "42723", "42P06", "42701", "42712"]);

/** Statements that look at every row of a table: what a function says then is about one of them. */
const ofRows: ReadonlySet<StatementKind> = new Set([
  "index",
  "constraint",
  "foreignKey",
  "check",
  "refresh",
  "analyze",
]);

export function readsRows(kind: StatementKind): boolean {
  return ofRows.has(kind);
}

/** A statement that names a role which the target lacks is not even tried. */
export function needsItsRole(kind: StatementKind): boolean {
  return dispensable.has(kind);
}

/** Whether it was refused for something that may be there when other statements have been tried again. */
export function missedAnObject(code: string | undefined): boolean {
  return absentObject.has(code ?? "");
}

export function isIndispensable(kind: StatementKind): boolean {
  return indispensable.has(kind);
}

export function isThereAlready(code: string | undefined): boolean {
  return alreadyThere.has(code ?? "");
}

/**
 * Connection, rollback, resource, operator and system errors: nothing that a statement is to blame for. 58P01 is a library
 * that the target lacks.
 */
export function isServerTrouble(state: string | undefined): boolean {
  return ["08", "40", "53", "55P03", "57", "58000", "58030"].some((start) => state?.startsWith(start) === true);
}

export function leftOutForRole(statement: SchemaStatement, missingRole: string): UnappliedStatement {
  return {
    statement,
    fate: "leftOut",
    missingRole,
    message: `role ${quoteIdentifier(missingRole)} does not exist`,
    remedy: `Create the role on the target (CREATE ROLE ${quoteIdentifier(missingRole)};), and run the statement.`,
  };
}

/** A grant or revoke that the server let pass without effect. */
export function leftOutSilently(statement: SchemaStatement, message: string): UnappliedStatement {
  return { statement, fate: "leftOut", message, remedy: remedyFor(statement, "42501") };
}

/** What becomes of a statement that the server refused. */
export function unapplied(
  statement: UnappliedStatement["statement"],
  error: pg.DatabaseError,
  remedy?: string,
): UnappliedStatement {
  const { code } = error;
  const harmless =
    ofNoConsequence.has(statement.kind) ||
    (dispensable.has(statement.kind) && notHereOrNotByYou.has(code ?? "")) ||
    (aboutAnObject.has(statement.kind) && missedAnObject(code));
  return {
    statement,
    fate: harmless ? "leftOut" : "refused",
    ...(code === undefined ? {} : { code }),
    message: told(error, statement.kind),
    remedy: remedy ?? remedyFor(statement, code),
  };
}

/** The server's message, detail and hint in one line. */
function told(error: pg.DatabaseError, kind: StatementKind): string {
  const { message, detail, hint } = wordsOf(error, { ofRows: readsRows(kind) });
  const parts = [message, detail, hint].filter((part) => part !== undefined);
  return parts.map((part) => part?.replace(/\.$/, "")).join(". ");
}

function remedyFor({ kind, object }: UnappliedStatement["statement"], code: string | undefined): string {
  if (kind === "extension") {
    return (
      "Make the extension available on the target: on Azure add it to the server parameter azure.extensions (and to " +
      "shared_preload_libraries if it needs that), elsewhere install its package. Then try the statements again."
    );
  }
  if (kind === "tuning") return "Nothing has to be done: no row and no meaning depends on it.";
  if (kind === "refresh") return "Put right what the view reads, and fill it with the statement.";
  if (kind === "analyze") return "Let the target reach what the table reads, or leave its statistics to autovacuum.";
  switch (code) {
    case "42501":
      return "Run it as a user who may: a superuser of the target, or the owner of what it is about.";
    case "58P01":
      return "Install the library on the target server, then try the statement again.";
    case "23503":
      return "Delete or repair the rows of the target that refer to nothing (with ROW_VALUES_IN_ERRORS the message names one), then try it again.";
    case "23502":
    case "23505":
    case "23514":
    case "23P01":
      return "Repair the rows of the target that violate it (with ROW_VALUES_IN_ERRORS the message names one), then try it again.";
    case "0A000":
      return "The target's version does not support this: change the statement, and run it there by hand.";
    case "3F000":
    case "42703":
    case "42704":
    case "42883":
    case "42P01":
      return "Create on the target what the message names (it may be a statement above this one), then try it again.";
    default:
      return `Put right what the message says on the target, or run a changed statement for ${object} there by hand; then try it again.`;
  }
}

export function isRefusal(error: unknown): error is pg.DatabaseError {
  return error instanceof pg.DatabaseError && !isServerTrouble(error.code);
}
