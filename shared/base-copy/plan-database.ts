/** Planning one database: its schema's statements, its tables' parts, and in which tasks, jobs and rounds they are carried out. */

import { plannedPart } from "../copy/planned-part.js";
import type { BaseObject } from "../ledger/base-objects.js";
import { type DatabasePlan, findPlan, savePlan } from "../ledger/jobs.js";
import { listLedgers } from "../ledger/ledger-name.js";
import { numberParts, type PartToCopy, readDatabaseProgress } from "../ledger/parts.js";
import { isReplicationName, replicationNames } from "../model/replication-names.js";
import { ServiceError } from "../model/service-error.js";
import type { CopyPlan, DatabaseRun } from "../model/steps.js";
import { planJobs } from "../planning/jobs.js";
import { loadChains } from "../planning/load-chains.js";
import { type Part, planParts } from "../planning/parts.js";
import { planProofs } from "../planning/proofs.js";
import { planRounds } from "../planning/rounds.js";
import { packTasks } from "../planning/tasks.js";
import { listBaseObjects } from "../postgres/base-objects.js";
import { listConfigurationReferences, type TableReference } from "../postgres/configuration-references.js";
import { withConnection } from "../postgres/connect.js";
import { qualifiedName, quoteIdentifier } from "../postgres/identifiers.js";
import { listScheduleTables, type ScheduleTable, switchedOff } from "../postgres/scheduled-work.js";
import { importSnapshot } from "../postgres/snapshot.js";
import {
  databaseEncoding,
  type LargeObjectRange,
  listLargeObjectRanges,
  listSourceTables,
  type SourceTable,
} from "../postgres/source-tables.js";
import { userSchema } from "../postgres/user-objects.js";
import { inSnapshot } from "../run/give-way.js";
import { noteStep } from "../run/note-step.js";
import { type MigrationServers, serversOf } from "../run/servers.js";
import { addWarnings } from "../run/warnings.js";
import { classifyStatements } from "../schema/classify-statement.js";
import { dumpSchema, type SchemaDumpOptions, type SchemaSection } from "../schema/dump-schema.js";
import { dumpSchemaNatively } from "../schema/dump-schema-natively.js";
import { listMaterializedViews } from "../schema/list-materialized-views.js";
import { isNotUtf8 } from "../schema/schema-dump.js";
import { planSchema, type TableStatements } from "../schema/schema-plan.js";
import type { RelationName, SchemaStatement } from "../schema/schema-statement.js";
import { splitStatements } from "../schema/split-statements.js";
import { inBytes } from "../schema/statement-bytes.js";
import { settings } from "../settings.js";
import { recordDatabase } from "../status/databases.js";
import { currentSnapshot } from "../status/snapshots.js";
import { recordParts } from "../status/tables.js";

/** Large objects copied in one transaction: it holds a lock on each whose owner or privileges it sets, and the server's table of locks is finite. */
const largeObjectsPerPart = 500;

/** Plans the run, or finds the plan of an earlier runner. */
export async function planDatabase(run: DatabaseRun): Promise<CopyPlan> {
  const servers = await serversOf(run.key);
  return await withConnection(servers.target(run.database, "plan"), async (target) => {
    const known = await findPlan(target);
    if (known !== undefined) return known;
    await noteStep(run, "reading the schema");
    const plan = await inSnapshot(run, () => makePlan(run, servers));
    // Announced before it is saved: nobody copies before, so a part cannot be set back to queued.
    await announce(run, plan.parts);
    const saved = await savePlan(target, plan);
    await recordDatabase(run.key, run.database, await readDatabaseProgress(target));
    return saved;
  });
}

async function makePlan(run: DatabaseRun, servers: MigrationServers): Promise<DatabasePlan> {
  const { partSizeBytes, maxParallelCopies } = settings();
  const snapshot = (await currentSnapshot(run.key, run.database, run.attempt))?.snapshot;
  if (snapshot === undefined)
    throw new ServiceError("SnapshotLost", `The snapshot of database ${run.database} has been closed.`);

  const contents = await readContents(run, servers, snapshot);
  await addWarnings(run.key, run.database, contents.ledgers.map(warnOfLedger));
  const [preData, postData] = await dumpSections(run, servers, contents.encoding, {
    snapshot,
    excludedSchemas: contents.ledgers,
  });
  const schema = planSchema({
    preData,
    postData,
    tables: contents.tables,
    materializedViews: contents.materializedViews,
    following: servers.spec.mode === "Online",
  });
  const parts = [
    ...contents.tables.flatMap((table) =>
      planParts({ ...table, fixedValues: jobsOff(table, contents.schedules) }, partSizeBytes),
    ),
    ...contents.largeObjects.map(largeObjectPart),
  ];
  const limits = { partSizeBytes, parallelCopies: maxParallelCopies };
  const tasks = packTasks(parts, limits, loadChains(contents.configurationReferences));
  const jobs = planJobs(schema, tasks, [...contents.tables, ...contents.partitionedTables].map(analyzeTable));
  const rounds = planRounds(tasks, jobs.indexJobs, planProofs(tasks));
  return {
    objects: contents.objects,
    parts: numberParts(tasks, contents.encoding),
    jobs: jobs.jobs,
    rounds,
    summary: {
      preData: jobs.preData,
      rounds: rounds.length,
      afterData: jobs.afterData,
      afterProof: jobs.afterProof,
      last: jobs.last,
    },
  };
}

function warnOfLedger(schema: string): string {
  const name = quoteIdentifier(schema);
  return (
    `Schema ${name} was left in the source database by an earlier migration into it: it is not copied. ` +
    `If no migration into that database is running, run there: DROP SCHEMA ${name} CASCADE;`
  );
}

/** Jobs arrive switched off: see scheduled-work.ts. */
function jobsOff({ schema, name }: SourceTable, schedules: readonly ScheduleTable[]): Part["fixedValues"] {
  const schedule = schedules.find((one) => one.schema === schema && one.table === name);
  return schedule === undefined ? undefined : switchedOff(schedule);
}

interface DatabaseContents {
  readonly objects: readonly BaseObject[];
  readonly tables: readonly SourceTable[];
  readonly configurationReferences: readonly TableReference[];
  readonly schedules: readonly ScheduleTable[];
  readonly partitionedTables: readonly RelationName[];
  readonly materializedViews: readonly RelationName[];
  readonly largeObjects: readonly LargeObjectRange[];
  readonly encoding: string;
  /** What earlier migrations have left there: it is not the user's. */
  readonly ledgers: readonly string[];
}

const partitionedTables = `
  select n.nspname as schema, c.relname as name
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.relkind = 'p'
    and ${userSchema("n")}
  order by n.nspname, c.relname
`;

async function readContents(run: DatabaseRun, servers: MigrationServers, snapshot: string): Promise<DatabaseContents> {
  return await withConnection(servers.source(run.database, "plan"), async (source) => {
    await importSnapshot(source, snapshot);
    const names = servers.spec.mode === "Online" ? replicationNames(run.key, run.database, run.attempt) : undefined;
    return {
      objects: await listBaseObjects(source, names),
      tables: await listSourceTables(source),
      configurationReferences: await listConfigurationReferences(source),
      schedules: await listScheduleTables(source),
      partitionedTables: (await source.query<RelationName>(partitionedTables)).rows,
      materializedViews: await listMaterializedViews(source),
      largeObjects: await listLargeObjectRanges(source, largeObjectsPerPart),
      encoding: await databaseEncoding(source),
      ledgers: await listLedgers(source),
    };
  });
}

/** Both sections at once, each by a pg_dump of its own: most of a dump is waiting for one small query after another. */
async function dumpSections(
  run: DatabaseRun,
  servers: MigrationServers,
  encoding: string,
  from: Pick<SchemaDumpOptions, "excludedSchemas"> & { readonly snapshot: string },
): Promise<[preData: SchemaStatement[], postData: SchemaStatement[]]> {
  const failed = new AbortController();
  const dump = async (section: SchemaSection) => {
    try {
      return await dumpSection(run, servers, { ...from, section, signal: failed.signal }, encoding);
    } catch (error) {
      // The other one is of no use any more.
      failed.abort(error);
      throw error;
    }
  };
  return await Promise.all([dump("pre-data"), dump("post-data")]);
}

/** Must fit into one function, whose limit is two budgets. In the database's own encoding where the schema cannot be written in UTF8. */
async function dumpSection(
  run: DatabaseRun,
  servers: MigrationServers,
  from: Omit<SchemaDumpOptions, "timeLimitMs">,
  encoding: string,
): Promise<SchemaStatement[]> {
  const statements = await readSection(run, servers, from).catch(async (error: unknown) => {
    if (!isNotUtf8(error)) throw error;
    const inOwnEncoding = await readSection(run, servers, { ...from, bytesIn: encoding });
    return inOwnEncoding.map((statement) => inBytes(statement, encoding));
  });
  // The publications of online migrations, ours among them, are no part of the schema.
  return statements.filter(({ kind, objectType, object }) => {
    const onPublication = kind === "publication" || objectType === "PUBLICATION";
    return !(onPublication && isReplicationName(object.slice(object.lastIndexOf(" ") + 1)));
  });
}

async function readSection(
  run: DatabaseRun,
  servers: MigrationServers,
  from: Omit<SchemaDumpOptions, "timeLimitMs">,
): Promise<SchemaStatement[]> {
  const { activityBudgetSeconds, pgDumpPath } = settings();
  const options = { ...from, timeLimitMs: activityBudgetSeconds * 1_400 };
  const connection = servers.source(run.database, `pg_dump ${from.section}`);
  const text =
    pgDumpPath === undefined
      ? await withConnection(connection, (client) => dumpSchema(client, options))
      : await dumpSchemaNatively(pgDumpPath, connection, options);
  return classifyStatements(await splitStatements(text));
}

function largeObjectPart(range: LargeObjectRange, index: number, all: readonly LargeObjectRange[]): Part {
  return {
    kind: "largeObjects",
    schema: "pg_catalog",
    table: "pg_largeobject",
    columns: [],
    rowFilter: undefined,
    part: index + 1,
    parts: all.length,
    firstBlock: range.first,
    endBlock: range.last + 1,
    bytes: 0,
  };
}

function analyzeTable({ schema, name }: RelationName): TableStatements {
  const table = qualifiedName(schema, name);
  return {
    relation: { schema, name },
    statements: [
      { id: `analyze/${table}`, sql: `analyze ${table}`, object: `statistics of table ${table}`, kind: "analyze" },
    ],
  };
}

/** Shows every part as queued. */
async function announce({ key, database, attempt }: DatabaseRun, parts: readonly PartToCopy[]): Promise<void> {
  await recordParts(
    key,
    parts.map((part) => ({ ...plannedPart(database, part), attempt })),
  );
}
