/** The end of the proof: every table of the plan has been verified, each as soon as it was loaded (prove-task.ts). */

import { listUnverifiedTables } from "../ledger/proof-store.js";
import { ServiceError } from "../model/service-error.js";
import type { DatabaseRun } from "../model/steps.js";
import { withConnection } from "../postgres/connect.js";
import { noteStep } from "../run/note-step.js";
import { serversOf } from "../run/servers.js";

/** Tables that a message names at most. */
const tablesNamed = 10;

/** @throws ServiceError RowsDiffer naming the tables that no proof was made of. */
export async function verifyDatabase(run: DatabaseRun): Promise<void> {
  await noteStep(run, "verifying");
  const servers = await serversOf(run.key);
  const tables = await withConnection(servers.target(run.database, "verify"), listUnverifiedTables);
  if (tables.length === 0) return;
  throw new ServiceError(
    "RowsDiffer",
    `${tables.length} tables were not loaded and verified whole: ${tables.slice(0, tablesNamed).join(", ")}. ` +
      "Migrate the database again.",
    { target: tables[0] ?? run.database },
  );
}
