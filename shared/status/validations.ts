/** Table `MigrationValidations`: one row a rule and scope, PartitionKey the migration's key, RowKey `server|rule` or `database|name|rule`. */
import { z } from "zod";
import { validationStates } from "../model/states.js";
import { compoundKey } from "./entity-key.js";
import { deleteRows, mergeRows, numberColumn, odata, optionalText, queryRows, timeColumn } from "./storage.js";

export const ValidationState = z.enum(validationStates);
export type ValidationState = z.infer<typeof ValidationState>;

export const ValidationMessage = z.object({ state: ValidationState, message: z.string() });
export type ValidationMessage = z.infer<typeof ValidationMessage>;

const ValidationRowColumns = z.object({
  level: z.enum(["server", "database"]),
  /** Undefined at server level. */
  database: optionalText,
  rule: z.string(),
  /** The rule's title, for people. */
  title: optionalText,
  state: ValidationState,
  durationMs: numberColumn,
  /** A JSON list: a rule has any number of messages. */
  messages: z
    .string()
    .optional()
    .transform((json): unknown => JSON.parse(json || "[]"))
    .pipe(z.array(ValidationMessage)),
  startedOn: timeColumn,
  endedOn: timeColumn,
});

/** A row of `MigrationValidations`, parsed. Times are ISO 8601, UTC. */
export type ValidationRow = z.infer<typeof ValidationRowColumns>;

/** Messages that fit a 64 KiB column together. */
const maximumMessages = 30_000;

/** Writes the outcome of rules; writing the same rule and scope again replaces it. */
export async function recordValidations(key: string, rows: readonly ValidationRow[]): Promise<void> {
  await mergeRows(
    "MigrationValidations",
    key,
    rows.map((row) => ({
      rowKey:
        row.database === undefined ? compoundKey(row.level, row.rule) : compoundKey(row.level, row.database, row.rule),
      columns: {
        ...row,
        database: row.database ?? "",
        messages: JSON.stringify(fitting(row.messages)),
        startedOn: row.startedOn === undefined ? undefined : new Date(row.startedOn),
        endedOn: row.endedOn === undefined ? undefined : new Date(row.endedOn),
      },
    })),
  );
}

/** The outcomes of a migration's rules, database level by database name, then server level. */
export async function listValidations(key: string): Promise<ValidationRow[]> {
  const rows: ValidationRow[] = [];
  for await (const row of queryRows("MigrationValidations", odata`PartitionKey eq ${key}`)) {
    rows.push(ValidationRowColumns.parse(row));
  }
  return rows;
}

/** Forgets the outcomes of an earlier validation. */
export async function clearValidations(key: string): Promise<void> {
  await deleteRows("MigrationValidations", odata`PartitionKey eq ${key}`);
}

/** As many messages as a column holds, and a last one that says how many were left out. */
function fitting(messages: readonly ValidationMessage[]): ValidationMessage[] {
  const kept: ValidationMessage[] = [];
  let length = 0;
  for (const message of messages) {
    length += JSON.stringify(message).length + 1;
    if (length > maximumMessages) {
      const left = messages.length - kept.length;
      kept.push({ state: message.state, message: `… and ${left} more like these.` });
      break;
    }
    kept.push(message);
  }
  return kept;
}
