/** The outcomes of validation rules as the SDK's ValidationDetails. */
import type { ValidationRow, ValidationState } from "../status/validations.js";

const severity: readonly ValidationState[] = ["Failed", "Warning", "Succeeded"];

/**
 * Undefined as long as no rule has an outcome.
 * @param inProgress whether rules are still being checked: then there is no status and no end yet.
 */
export function validationDetails(rows: readonly ValidationRow[], inProgress = false) {
  if (rows.length === 0) return undefined;
  const databases = [...new Set(rows.flatMap((row) => (row.database === undefined ? [] : [row.database])))];
  return {
    status: inProgress ? undefined : worst(rows.map((row) => row.state)),
    validationStartTimeInUtc: earliest(rows),
    validationEndTimeInUtc: inProgress ? undefined : latest(rows),
    serverLevelValidationDetails: summaries(rows.filter((row) => row.database === undefined)),
    dbLevelValidationDetails: databases.map((databaseName) => {
      const own = rows.filter((row) => row.database === databaseName);
      return { databaseName, startedOn: earliest(own), endedOn: latest(own), summary: summaries(own) };
    }),
  };
}

/** What needs somebody's attention first. */
function summaries(rows: readonly ValidationRow[]) {
  return [...rows].sort((a, b) => severity.indexOf(a.state) - severity.indexOf(b.state)).map(summary);
}

function summary(row: ValidationRow) {
  return { type: row.title ?? row.rule, state: row.state, messages: row.messages };
}

function worst(states: readonly ValidationState[]): ValidationState | undefined {
  return severity.find((state) => states.includes(state));
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
