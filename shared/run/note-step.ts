/** What is being done with a database, for people. */
import type { DatabaseRun } from "../model/steps.js";
import { getDatabase, recordDatabase } from "../status/databases.js";

/** Notes the step in the database's row; the first one marks its start. */
export async function noteStep({ key, database }: Pick<DatabaseRun, "key" | "database">, step: string): Promise<void> {
  const row = await getDatabase(key, database);
  if (row?.currentStep === step) return;
  await recordDatabase(key, database, {
    currentStep: step,
    ...(row?.startedOn === undefined ? { state: "InProgress", startedOn: new Date().toISOString() } : {}),
  });
}
