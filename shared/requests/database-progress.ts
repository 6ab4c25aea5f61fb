/** GET …/migrations/{name}/databases: progress in more detail than ARM's dbDetails has room for. */
import { listDatabases } from "../status/databases.js";

/** One entry a database: what is being done, tables, bytes and rows. */
export async function listDatabaseProgress(key: string) {
  const rows = await listDatabases(key);
  return rows.map((row) => ({
    database: row.database,
    state: row.state,
    currentStep: row.currentStep,
    message: row.message,
    warnings: row.warnings?.split("\n") ?? [],
    tablesQueued: row.tablesQueued,
    tablesLoading: row.tablesLoading,
    tablesCompleted: row.tablesCompleted,
    tablesErrored: row.tablesErrored,
    tablesVerified: row.tablesVerified,
    bytesTotal: row.bytesTotal,
    bytesCopied: row.bytesCopied,
    rowsCopied: row.rowsCopied,
    // Online: beyond the 32 bits and whole seconds of ARM's dbDetails.
    latencySeconds: row.latencySeconds,
    incomingBytes: row.incomingChanges,
    appliedBytes: row.appliedChanges,
    startedOn: row.startedOn,
    endedOn: row.endedOn,
    updatedOn: row.updatedOn,
    attempt: row.attempt,
    ...(row.sampledOn !== undefined && {
      latencySeconds: row.latencySeconds,
      incomingChanges: row.incomingChanges,
      appliedChanges: row.appliedChanges,
      insertedRows: row.cdcInsertCounter,
      updatedRows: row.cdcUpdateCounter,
      deletedRows: row.cdcDeleteCounter,
      caughtUp: row.caughtUp,
      sampledOn: row.sampledOn,
      cutoverOn: row.cutoverOn,
      cutoverHindrance: row.cutoverHindrance,
      cutoverFailures: row.cutoverFailures,
      cutoverFailure: row.cutoverFailure,
      readyForApplication: row.readyForApplicationOn,
    }),
  }));
}
