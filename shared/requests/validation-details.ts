/** The outcomes of validation rules as the SDK's ValidationDetails. */
import type { ValidationRow, ValidationState } from "../status/validations.js";

/** Undefined as long as no rule has an outcome. */
export function validationDetails(rows: readonly ValidationRow[]) {
  if (rows.length === 0) return undefined;
  const databases = [...new Set(rows.flatMap((row) => (row.database === undefined ? [] : [row.database])))];
  return {
    status: worst(rows.map((row) => row.state)),
    validationStartTimeInUtc: earliest(rows),
    validationEndTimeInUtc: latest(rows),
    serverLevelValidationDetails: rows.filter((row) => row.database === undefined).map(summary),
    dbLevelValidationDetails: databases.map((databaseName) => {
      const own = rows.filter((row) => row.database === databaseName);
      return { databaseName, startedOn: earliest(own), endedOn: latest(own), summary: own.map(summary) };
    }),
  };
}

function summary(row: ValidationRow) {
  return { type: row.title ?? row.rule, state: row.state, messages: row.messages };
}

function worst(states: readonly ValidationState[]): ValidationState {
  if (states.includes("Failed")) return "Failed";
  return states.includes("Warning") ? "Warning" : "Succeeded";
}

// Times are ISO 8601 in UTC with milliseconds: they sort as text.
function earliest(rows: readonly ValidationRow[]): string | undefined {
  return rows.flatMap((row) => row.startedOn ?? []).sort()[0];
}

function latest(rows: readonly ValidationRow[]): string | undefined {
  return rows
    .flatMap((row) => row.endedOn ?? [])
    .sort()
    .at(-1);
}
