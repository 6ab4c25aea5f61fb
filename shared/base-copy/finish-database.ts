/** What a target database gets last: its sequences' positions, and the source database's own properties. */
import type { DatabaseRun } from "../model/steps.js";
import { withConnection } from "../postgres/connect.js";
import { applyDatabaseProperties, readDatabaseProperties } from "../postgres/database-properties.js";
import { rowOf } from "../run/keep-unapplied.js";
import { refusalOfSession } from "../run/refusal-of-session.js";
import { serversOf } from "../run/servers.js";
import { setSequences } from "../run/set-sequences.js";
import { recordStatements } from "../status/statements.js";

/** After every statement of the schema. */
const firstOrder = 8_000_000;

/**
 * Owner, connection limit and settings come after everything else: until here they would bind us as well (a source that is frozen with
 * default_transaction_read_only, say). What the target does not take is noted among the statements. Converges.
 */
export async function finishDatabase(run: DatabaseRun): Promise<void> {
  const { key, database } = run;
  const servers = await serversOf(key);
  await setSequences(servers, database);
  const properties = await withConnection(servers.source(database, "properties"), readDatabaseProperties);
  const left = await withConnection(servers.targetMaintenance("properties"), (maintenance) =>
    applyDatabaseProperties(maintenance, database, properties, () =>
      refusalOfSession(servers.target(database, "properties")),
    ),
  );
  const rows = left.map(({ object, sql, ...told }, index) =>
    rowOf(
      run,
      { statement: { kind: "databaseProperty", object, sql }, fate: "leftOut", ...told },
      { order: firstOrder + index, id: "1" },
    ),
  );
  await recordStatements(key, rows);
}
