/** The states of databases when their migration ends before or without work on them. */
import { databaseStateAtEnd, type MigrationState } from "../model/states.js";
import { hasEnded } from "../run/database-state.js";
import { changeDatabase, listDatabases } from "../status/databases.js";
import { getMigration } from "../status/migrations.js";

/** Converges: a database that has ended stays as it ended. */
export async function settleDatabases(key: string, ending: MigrationState): Promise<void> {
  const [migration, rows] = await Promise.all([getMigration(key), listDatabases(key)]);
  const endedOn = new Date().toISOString();
  for (const { database } of rows) {
    await changeDatabase(key, database, (row) => {
      if (hasEnded(row)) return undefined;
      return {
        state: databaseStateAtEnd(ending, row.state),
        currentStep: "",
        startedOn: row.startedOn ?? migration?.startedOn,
        endedOn: row.endedOn ?? endedOn,
      };
    });
  }
}
