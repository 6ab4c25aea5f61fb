/** What validation found, a line a rule. */
import type { ValidationDetails, ValidationSummary } from "./migration-service.js";
import type { Column } from "./output/table.js";

export interface ValidationFinding {
  readonly database: string;
  readonly rule: string;
  readonly state: string;
  readonly message: string;
}

export const findingColumns: readonly Column<ValidationFinding>[] = [
  { title: "State", value: ({ state }) => state },
  { title: "Database", value: ({ database }) => database },
  { title: "Rule", value: ({ rule }) => rule },
  { title: "Message", value: ({ message }) => message },
];

/** The rules' messages, server level first; a rule without one has a line of its own. */
export function findingsOf(details: ValidationDetails | undefined): ValidationFinding[] {
  const ofServers = (details?.serverLevelValidationDetails ?? []).flatMap((one) => findings("", one));
  const ofDatabases = (details?.dbLevelValidationDetails ?? []).flatMap(({ databaseName = "", summary = [] }) =>
    summary.flatMap((one) => findings(databaseName, one)),
  );
  return [...ofServers, ...ofDatabases];
}

function findings(database: string, { type = "", state = "", messages = [] }: ValidationSummary): ValidationFinding[] {
  if (messages.length === 0) return [{ database, rule: type, state, message: "" }];
  return messages.map((one) => ({ database, rule: type, state: one.state ?? state, message: one.message ?? "" }));
}
