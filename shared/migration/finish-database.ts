/** What a target database gets last: its sequences' positions, and the source database's own properties. */
import type { DatabaseRun } from "../model/steps.js";
import { withConnection } from "../postgres/connect.js";
import { applyDatabaseProperties, readDatabaseProperties } from "../postgres/database-properties.js";
import { serversOf } from "./servers.js";
import { setSequences } from "./set-sequences.js";
import { addWarnings } from "./warnings.js";

/**
 * Owner, connection limit and settings come after everything else: until here they would bind us as well (a source that is frozen with
 * default_transaction_read_only, say). Converges.
 */
export async function finishDatabase({ key, database }: DatabaseRun): Promise<void> {
  const servers = await serversOf(key);
  await setSequences(servers, database);
  const properties = await withConnection(servers.source(database, "properties"), readDatabaseProperties);
  const warnings = await withConnection(servers.targetMaintenance("properties"), (maintenance) =>
    applyDatabaseProperties(maintenance, database, properties),
  );
  await addWarnings(key, database, warnings);
}
