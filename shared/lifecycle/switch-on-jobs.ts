/** The jobs that the database's extensions run on time: off until here, on again when the database has arrived. */
import { DatabaseError } from "pg";
import type { DatabaseRun } from "../model/steps.js";
import { withConnection } from "../postgres/connect.js";
import { qualifiedName, quoteIdentifier, quoteLiteral } from "../postgres/identifiers.js";
import {
  type CronAddress,
  listScheduleTables,
  moveCronJobs,
  type RunningJob,
  readCronAddress,
  readRunningJobs,
  type ScheduleTable,
  switchOn,
} from "../postgres/scheduled-work.js";
import type { MigrationServers } from "../run/servers.js";
import { addWarnings } from "../run/warnings.js";

interface Schedule {
  readonly table: ScheduleTable;
  readonly running: readonly RunningJob[];
}

/** Converges. What cannot be switched on is told. */
export async function switchOnJobs({ key, database }: DatabaseRun, servers: MigrationServers): Promise<void> {
  const { schedules, address } = await withConnection(servers.source(database, "jobs"), async (source) => {
    const tables = await listScheduleTables(source);
    const read: Schedule[] = [];
    for (const table of tables) read.push({ table, running: await readRunningJobs(source, table) });
    return { schedules: read, address: await readCronAddress(source) };
  });
  const on = schedules.filter(({ running }) => running.length > 0);
  if (on.length === 0) return;
  for (const schedule of on)
    await addWarnings(key, database, [await switchOnTable(schedule, address, servers, database)]);
}

async function switchOnTable(
  { table, running }: Schedule,
  address: CronAddress,
  servers: MigrationServers,
  database: string,
): Promise<string> {
  const name = qualifiedName(table.schema, table.table);
  const jobs = `${running.length} ${running.length === 1 ? "row" : "rows"} of ${table.extension}'s ${name}`;
  const off = `UPDATE ${name} SET ${quoteIdentifier(table.column)} = ${quoteLiteral(table.off)};`;
  try {
    await withConnection(servers.target(database, "jobs"), async (target) => {
      await target.query("begin");
      if (table.extension === "pg_cron") await moveCronJobs(target, table, address);
      await switchOn(target, table, running);
      await target.query("commit");
    });
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    return (
      `${jobs} stayed switched off on the target (${error.message}). When the application uses the target, set ` +
      `${quoteIdentifier(table.column)} there as it is on the source.`
    );
  }
  return (
    `${jobs} were switched off on the target until the database had arrived, and are on now: both servers run them. ` +
    `When the application uses the target, run on the source: ${off}`
  );
}
