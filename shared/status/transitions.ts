/** Table `MigrationTransitions`: one row a change of a migration's state or substate, PartitionKey the migration's key, RowKey its number. */
import { z } from "zod";
import { MigrationState, MigrationSubstate } from "../model/states.js";
import { entity, isStatus, numberColumn, odata, optionalText, queryRows, table, timeColumn } from "./storage.js";

const TransitionRowColumns = z.object({
  sequence: numberColumn,
  time: timeColumn,
  state: MigrationState,
  substate: z.preprocess((value) => (value === "" ? undefined : value), MigrationSubstate.optional()),
  error: optionalText,
});

/** A row of `MigrationTransitions`, parsed. Times are ISO 8601, UTC. */
export type TransitionRow = z.infer<typeof TransitionRowColumns>;

/** Keeps a transition with the time at which it was first recorded; keeping it again changes nothing. */
export async function keepTransition(
  key: string,
  transition: Partial<Omit<TransitionRow, "time">> & { readonly sequence: number; readonly time: Date },
): Promise<void> {
  const client = await table("MigrationTransitions");
  const rowKey = String(transition.sequence).padStart(6, "0");
  try {
    await client.createEntity(entity(key, rowKey, { ...transition }));
  } catch (error) {
    if (!isStatus(error, 409)) throw error;
  }
}

/** The transitions of a migration, in order. */
export async function listTransitions(key: string): Promise<TransitionRow[]> {
  const rows: TransitionRow[] = [];
  for await (const row of queryRows("MigrationTransitions", odata`PartitionKey eq ${key}`)) {
    rows.push(TransitionRowColumns.parse(row));
  }
  return rows;
}
