/** The outcomes of validation rules as the SDK's ValidationDetails. */
import type { MigrationResource } from "../model/migration-resource.js";
import { hasEnded } from "../model/states.js";
import type { MigrationRow } from "../status/migrations.js";
import type { ValidationRow, ValidationState } from "../status/validations.js";

const severity: readonly ValidationState[] = ["Failed", "Warning", "Succeeded"];

/** How far a validation has come: a validation that was interrupted has rules that nobody has checked. */
export type ValidationStage = "checking" | "complete" | "interrupted";

export function validationStage(migration: MigrationRow): ValidationStage {
  if (migration.validatedOn !== undefined) return "complete";
  return hasEnded(migration.state) ? "interrupted" : "checking";
}

type Details = NonNullable<
  NonNullable<MigrationResource["properties"]["currentStatus"]["currentSubStateDetails"]>["validationDetails"]
>;

/** Undefined as long as no rule has an outcome. While rules are being checked there is no status and no end yet. */
export function validationDetails(rows: readonly ValidationRow[], stage: ValidationStage): Details | undefined {
  if (rows.length === 0) return undefined;
  const databases = [...new Set(rows.flatMap((row) => (row.database === undefined ? [] : [row.database])))];
  const interrupted = stage === "interrupted";
  const states = [...rows.map((row) => row.state), ...(interrupted ? ["Warning" as const] : [])];
  return {
    status: stage === "checking" ? undefined : worst(states),
    validationStartTimeInUtc: earliest(rows),
    validationEndTimeInUtc: stage === "complete" ? latest(rows) : undefined,
    serverLevelValidationDetails: [
      ...(interrupted ? [interruption] : []),
      ...summaries(rows.filter((row) => row.database === undefined)),
    ],
    dbLevelValidationDetails: databases.map((databaseName) => {
      const own = rows.filter((row) => row.database === databaseName);
      return {
        databaseName,
        startedOn: earliest(own),
        endedOn: stage === "complete" ? latest(own) : undefined,
        summary: summaries(own),
      };
    }),
  };
}

const interruption = {
  type: "Every rule was checked",
  state: "Warning" as const,
  messages: [
    {
      state: "Warning" as const,
      message:
        "The migration ended before every rule was checked: what is missing here is not known. Validate again under another name.",
    },
  ],
};

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
