/**
 * Rows of extensions' configuration tables that make a server act by itself: jobs that it runs on time. While a migration is under way they are off on the target,
 * or both servers would run them, and what they write there would meet what is being copied and followed.
 */
import type pg from "pg";
import { qualifiedName, quoteIdentifier, quoteLiteral } from "./identifiers.js";

/** What switches a job off, by the table of the extension that holds it. The chapters on these tables in the extensions' own documentation. */
const switches: readonly Switch[] = [
  { extension: "pg_cron", table: "job", key: "jobid", column: "active", type: "boolean", off: "false" },
  { extension: "pgagent", table: "pga_job", key: "jobid", column: "jobenabled", type: "boolean", off: "false" },
  {
    extension: "pg_partman",
    table: "part_config",
    key: "parent_table",
    column: "automatic_maintenance",
    type: "text",
    off: "off",
  },
];

interface Switch {
  readonly extension: string;
  readonly table: string;
  readonly key: string;
  readonly column: string;
  readonly type: "boolean" | "text";
  readonly off: string;
}

/** A table of jobs, in the schema where the extension is. */
export interface ScheduleTable extends Switch {
  readonly schema: string;
}

const scheduleTables = `
  select wanted.*, n.nspname as schema
  from json_to_recordset($1::json) as wanted (
    extension text, "table" text, key text, "column" text, type text, off text
  )
  join pg_catalog.pg_extension as e on e.extname = wanted.extension
  join pg_catalog.pg_depend as member
    on member.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
    and member.refobjid = e.oid
    and member.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    and member.deptype = 'e'
  join pg_catalog.pg_class as c on c.oid = member.objid and c.relname = wanted.table
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.oid = any (e.extconfig)
    and 2 = (
      select count(*)
      from pg_catalog.pg_attribute as a
      where a.attrelid = c.oid
        and a.attname in (wanted.key, wanted.column)
        and not a.attisdropped
    )
  order by n.nspname, c.relname
`;

/** The tables of jobs in the database that `source` is connected to. */
export async function listScheduleTables(source: pg.ClientBase): Promise<ScheduleTable[]> {
  return (await source.query<ScheduleTable>(scheduleTables, [JSON.stringify(switches)])).rows;
}

/** SQL that stands in a SELECT for a column of a table of jobs: all of them off. By column. */
export function switchedOff({ column, off, type }: ScheduleTable): Readonly<Record<string, string>> {
  return { [column]: `${quoteLiteral(off)}::pg_catalog.${type === "boolean" ? "bool" : "text"}` };
}

/** Jobs that are on. */
export interface RunningJob {
  readonly key: string;
  readonly value: string;
}

export async function readRunningJobs(source: pg.ClientBase, table: ScheduleTable): Promise<RunningJob[]> {
  const { rows } = await source.query<RunningJob>(
    `
      select ${quoteIdentifier(table.key)}::text as key, ${quoteIdentifier(table.column)}::text as value
      from ${qualifiedName(table.schema, table.table)}
      where ${quoteIdentifier(table.column)} is distinct from $1::${table.type}
    `,
    [table.off],
  );
  return rows;
}

/** Switches jobs of the target on, as they are on the source. Converges. @returns how many */
export async function switchOn(
  target: pg.ClientBase,
  table: ScheduleTable,
  jobs: readonly RunningJob[],
): Promise<number> {
  const column = quoteIdentifier(table.column);
  const { rowCount } = await target.query(
    `
      update ${qualifiedName(table.schema, table.table)} as job
      set ${column} = running.value::${table.type}
      from json_to_recordset($1::json) as running (key text, value text)
      where job.${quoteIdentifier(table.key)}::text = running.key
        and job.${column} is distinct from running.value::${table.type}
    `,
    [JSON.stringify(jobs)],
  );
  return rowCount ?? 0;
}

/** Where pg_cron's jobs connect to: its server's own address, unless somebody has named another. */
export interface CronAddress {
  readonly host: string | null;
  readonly port: string;
}

const cronAddress =
  "select pg_catalog.current_setting('cron.host', true) as host, pg_catalog.current_setting('port') as port";

export async function readCronAddress(client: pg.ClientBase): Promise<CronAddress> {
  const { rows } = await client.query<CronAddress>(cronAddress);
  return rows[0] ?? { host: null, port: "5432" };
}

/** Has the target's jobs connect to the target that connected to the source on the source. */
export async function moveCronJobs(
  target: pg.ClientBase,
  { schema, table }: ScheduleTable,
  from: CronAddress,
): Promise<void> {
  const to = await readCronAddress(target);
  if (from.host === null || to.host === null) return;
  await target.query(
    `
      update ${qualifiedName(schema, table)}
      set nodename = $1, nodeport = $2::integer
      where nodename = $3
        and nodeport = $4::integer
        and (nodename, nodeport) is distinct from ($1, $2::integer)
    `,
    [to.host, to.port, from.host, from.port],
  );
}
