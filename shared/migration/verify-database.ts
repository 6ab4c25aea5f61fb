/**
 * The proof: every table of the target is counted and held against what the source sent. What was sent is known from the source's own count of each
 * COPY; a table that travelled in parts is counted on the source as well, in the snapshot, so that no gap between parts goes unseen.
 */
import type pg from "pg";
import { DatabaseError } from "pg";
import { ServiceError } from "../model/service-error.js";
import type { DatabaseRun } from "../model/steps.js";
import { connect, endSession, withConnection } from "../postgres/connect.js";
import { qualifiedName } from "../postgres/identifiers.js";
import { importSnapshot } from "../postgres/snapshot.js";
import { settings } from "../settings.js";
import { currentSnapshot } from "../status/snapshots.js";
import { noteStep } from "./note-step.js";
import { serversOf } from "./servers.js";
import { addWarnings } from "./warnings.js";

const tablesOfPlan = `
  select
    part.schema_name as schema,
    part.table_name as name,
    count(*)::int as parts,
    min(part.row_filter) as row_filter,
    count(ledger.part_id)::int as loaded,
    coalesce(sum(ledger.rows), 0)::text as rows
  from _pgmig.part
  left join _pgmig.ledger on ledger.part_id = part.id
  where part.kind = 'table'
  group by part.schema_name, part.table_name
  order by part.schema_name, part.table_name
`;

interface LoadedTable {
  readonly schema: string;
  readonly name: string;
  readonly parts: number;
  readonly row_filter: string | null;
  readonly loaded: number;
  /** A bigint, as text: what the ledger says was stored. */
  readonly rows: string;
}

/**
 * Verifies tables from number `from` on, as far as the activity budget reaches.
 * @returns where to go on; null when all are verified.
 * @throws ServiceError RowsDiffer naming the table and the counts.
 */
export async function verifyDatabase(run: DatabaseRun, from: number): Promise<{ next: number | null }> {
  const { activityBudgetSeconds } = settings();
  await noteStep(run, "verifying");
  const deadline = Date.now() + activityBudgetSeconds * 1_000;
  const servers = await serversOf(run.key);
  return await withConnection(servers.target(run.database, "verify"), async (target) => {
    const { rows: tables } = await target.query<LoadedTable>(tablesOfPlan);
    const source = new SnapshotReader(() => servers.source(run.database, "verify"), run);
    try {
      for (let index = from; index < tables.length; index++) {
        if (Date.now() >= deadline) return { next: index };
        const table = tables[index];
        if (table !== undefined) await verifyTable(run, table, target, source);
      }
      return { next: null };
    } finally {
      await source.end();
    }
  });
}

async function verifyTable(
  run: DatabaseRun,
  table: LoadedTable,
  target: pg.Client,
  source: SnapshotReader,
): Promise<void> {
  const name = qualifiedName(table.schema, table.name);
  if (table.loaded !== table.parts) {
    throw new ServiceError(
      "RowsDiffer",
      `Table ${name}: ${table.loaded} of ${table.parts} parts were loaded. Migrate the database again.`,
      {
        target: name,
      },
    );
  }
  const stored = await countRows(target, name, table.row_filter);
  // A table in one part was counted by the source's own COPY when the rows were sent: that count is in the ledger.
  const sent = table.parts === 1 ? table.rows : await countRows(await source.client(), name, table.row_filter);
  // A statement that was cut off leaves its transaction unusable: the next table opens the snapshot again.
  if (sent === undefined) await source.end();
  if (stored === undefined || sent === undefined) {
    await addWarnings(run.key, run.database, [
      `Table ${name} could not be counted within ${countLimitSeconds()} s. Each of its parts was: the source sent, and the target stored, ${table.rows} rows.`,
    ]);
    return;
  }
  if (stored !== sent || stored !== table.rows) {
    throw new ServiceError(
      "RowsDiffer",
      `Table ${name}: the source has ${sent} rows, ${table.rows} were copied, and the target has ${stored}. ` +
        "Make sure that nobody else writes to the target, and migrate the database again.",
      { target: name },
    );
  }
}

function countLimitSeconds(): number {
  return Math.round(settings().activityBudgetSeconds * 0.7);
}

/** The table's rows, as text; undefined when counting takes longer than an activity may. */
export async function countRows(
  client: pg.Client,
  table: string,
  rowFilter: string | null,
): Promise<string | undefined> {
  await client.query(`set statement_timeout = '${countLimitSeconds()}s'`);
  try {
    const { rows } = await client.query<{ rows: string }>(
      `select count(*)::text as rows from only ${table} ${rowFilter ?? ""}`,
    );
    return rows[0]?.rows;
  } catch (error) {
    if (error instanceof DatabaseError && error.code === "57014" && error.message.includes("statement timeout"))
      return undefined;
    throw error;
  }
}

/** A session in the snapshot, opened when the first table needs it. */
class SnapshotReader {
  readonly #options: () => Parameters<typeof connect>[0];
  readonly #run: DatabaseRun;
  #client: pg.Client | undefined;

  constructor(options: () => Parameters<typeof connect>[0], run: DatabaseRun) {
    this.#options = options;
    this.#run = run;
  }

  async client(): Promise<pg.Client> {
    this.#client ??= await this.#open();
    return this.#client;
  }

  async end(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    if (client !== undefined) await endSession(client);
  }

  async #open(): Promise<pg.Client> {
    const { key, database, attempt } = this.#run;
    const snapshot = (await currentSnapshot(key, database, attempt))?.snapshot;
    if (snapshot === undefined)
      throw new ServiceError("SnapshotLost", `The snapshot of database ${database} has been closed.`);
    const client = await connect(this.#options());
    await importSnapshot(client, snapshot);
    return client;
  }
}
