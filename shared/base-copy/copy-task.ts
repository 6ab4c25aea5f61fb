/** One copy activity: the parts of one task, one after the other, read from the database's snapshot. */
import type pg from "pg";
import { type CopyLargeObjectsOptions, copyLargeObjects } from "../copy/copy-large-objects.js";
import { type CopyFormat, type CopyTableOptions, copyPart } from "../copy/copy-part.js";
import { deferExpressions, isOfFunctions } from "../copy/defer-expressions.js";
import { tooLargeToTravel, travelsInBinary } from "../copy/oversized-rows.js";
import { plannedPart } from "../copy/planned-part.js";
import { ProgressReporter } from "../copy/progress-reporter.js";
import { lastOrder } from "../ledger/jobs.js";
import type { CopiedPart } from "../ledger/load-once.js";
import { type PartToCopy, readTask } from "../ledger/parts.js";
import { splitPart } from "../ledger/split-part.js";
import { canceled, type Failure } from "../model/outcome.js";
import { ServiceError } from "../model/service-error.js";
import type { CopiedTask, DatabaseRun } from "../model/steps.js";
import { creatingSchema } from "../planning/jobs.js";
import { isBeyondText } from "../postgres/beyond-text.js";
import { connect, endSession, withConnection } from "../postgres/connect.js";
import { qualifiedName } from "../postgres/identifiers.js";
import { isTransient } from "../postgres/transient.js";
import { failureOf } from "../run/failure-of.js";
import { inSnapshot } from "../run/give-way.js";
import { rowOf } from "../run/keep-unapplied.js";
import { type MigrationServers, serversOf } from "../run/servers.js";
import { type UnappliedStatement, unapplied } from "../schema/unapplied-statement.js";
import { settings } from "../settings.js";
import { listStatements, recordStatements } from "../status/statements.js";
import { recordParts } from "../status/tables.js";
import { CopySessions, type OpenSessions } from "./copy-sessions.js";

export type CopyTaskInput = DatabaseRun & { readonly task: number };

/** A part must be in well before the host ends the function; two budgets are host.json's functionTimeout with the default settings. */
const budgetsForOneTask = 1.8;

/** Why a copy is ended that the host would end soon. */
const timeIsUp = new Error("the activity's time is up");

/**
 * Copies what the ledger does not have yet, for as long as the activity budget lasts. A table that cannot be copied does not stop the others of its
 * batch; it is the task's failure. A part that is too slow for one activity is cut into smaller ones.
 * @throws what may go away by itself (see isTransient), with the parts done so far kept; ServiceError SnapshotLost; CopyTooSlow for a part
 * that cannot be cut.
 */
export async function runCopyTask(input: CopyTaskInput): Promise<CopiedTask> {
  return await inSnapshot(
    input,
    () => copyFromSnapshot(input),
    ({ failure }) => failure,
  );
}

async function copyFromSnapshot(input: CopyTaskInput): Promise<CopiedTask> {
  const { key, database, task } = input;
  const { instance, activityBudgetSeconds } = settings();
  const servers = await serversOf(key);
  const reporting = await connect(servers.target(database, `progress ${task}`));
  const abort = new AbortController();
  const reporter = new ProgressReporter(reporting, { key, database, instance }, abort);
  const sessions = new CopySessions(
    servers.source(database, `copy ${task}`),
    servers.target(database, `copy ${task}`),
    input,
  );
  const budgetEnds = Date.now() + activityBudgetSeconds * 1_000;
  const limit = setTimeout(() => abort.abort(timeIsUp), activityBudgetSeconds * budgetsForOneTask * 1_000);
  abort.signal.addEventListener("abort", () => sessions.abandon());
  try {
    reporter.start();
    const parts = await readTask(reporting, task);
    const { slow, ...copied } = await copyParts(parts, sessions, reporter, {
      defer: (part, error) => defer(part, error, servers, input),
      keep: (part, left) => keepOfLargeObjects(part, left, input),
      signal: abort.signal,
      instance,
      budgetEnds,
    });
    await reporter.stop();
    if (slow !== undefined) await split(slow, servers, reporting, input);
    return copied;
  } catch (error) {
    await reporter.stop().catch(() => {
      // The copy's own error is the one to tell; what the reporter could not tell, the next attempt will.
    });
    if (reporter.canceled) return { done: true, failure: canceled };
    throw abort.signal.aborted && abort.signal.reason !== timeIsUp ? abort.signal.reason : error;
  } finally {
    clearTimeout(limit);
    await sessions.end();
    await endSession(reporting);
  }
}

/** @returns beside the task's outcome, the part that did not fit into this activity although nothing else was copied in it. */
async function copyParts(
  parts: readonly PartToCopy[],
  sessions: CopySessions,
  reporter: ProgressReporter,
  {
    signal,
    instance,
    budgetEnds,
    defer,
    keep,
  }: {
    signal: AbortSignal;
    instance: string;
    budgetEnds: number;
    /** Takes off the table what its rows were refused for; false where there is nothing. */
    defer: (part: PartToCopy, error: unknown) => Promise<boolean>;
    /** Takes note of what large objects have not got. */
    keep: (part: PartToCopy, left: readonly UnappliedStatement[]) => Promise<void>;
  },
): Promise<CopiedTask & { slow?: PartToCopy }> {
  let failure: Failure | undefined;
  let loaded = 0;
  // Emptied with the first, in its transaction: what refers to it must be empty before it.
  const firstConfiguration = parts.findIndex(isConfiguration);
  for (const [index, part] of parts.entries()) {
    signal.throwIfAborted();
    let flowed = 0;
    reporter.note(part, { state: "loading", rows: 0, bytes: 0 });
    const onBytes = (chunk: number) => {
      flowed += chunk;
      reporter.note(part, { state: "loading", rows: 0, bytes: flowed });
    };
    try {
      const emptied = index === firstConfiguration ? parts.filter(isConfiguration) : [];
      const options = {
        instance,
        signal,
        onBytes,
        emptied,
        keep: (left: readonly UnappliedStatement[]) => keep(part, left),
      };
      const copied = await copyHowever(part, sessions, {
        ...options,
        defer,
        begin: () => {
          flowed = 0;
        },
      });
      reporter.note(part, { state: "completed", ...copied });
      if (flowed > 0) loaded += 1;
    } catch (error) {
      // A stream that broke in the middle leaves both sessions in an unknown state.
      sessions.abandon();
      if (signal.reason === timeIsUp) {
        return { done: false, ...(loaded === 0 && { slow: part }), ...(failure && { failure }) };
      }
      const partFailure = failureOfPart(part, error);
      if (!signal.aborted)
        reporter.note(part, { state: "errored", rows: 0, bytes: flowed, error: partFailure.message });
      if (signal.aborted || isTransient(error) || partFailure.code === "SnapshotLost") throw error;
      failure ??= partFailure;
    }
    if (index < parts.length - 1 && Date.now() >= budgetEnds) return { done: false, ...(failure && { failure }) };
  }
  return { done: true, ...(failure && { failure }) };
}

type CopyOneOptions = Omit<CopyTableOptions & CopyLargeObjectsOptions, keyof OpenSessions>;

interface CopyHoweverOptions extends CopyOneOptions {
  readonly defer: (part: PartToCopy, error: unknown) => Promise<boolean>;
  /** Told when the copy begins, and begins again. */
  readonly begin: () => void;
}

/** Copies a part as text; in binary form where its text is beyond what a server can send; without what its rows are refused for. */
async function copyHowever(
  part: PartToCopy,
  sessions: CopySessions,
  { defer, begin, ...options }: CopyHoweverOptions,
): Promise<CopiedPart> {
  let format: CopyFormat = "text";
  for (let deferred = false; ; ) {
    begin();
    try {
      return await copyOne(part, await sessions.open(), { ...options, format });
    } catch (error) {
      sessions.abandon();
      if (options.signal.aborted) throw error;
      if (part.kind === "table" && isBeyondText(error)) {
        const { source } = await sessions.open();
        if (format === "binary" || !(await travelsInBinary(source, part))) {
          throw await tooLargeToTravel(source, part, error instanceof Error ? error.message : String(error));
        }
        format = "binary";
      } else {
        if (deferred || !(await defer(part, error))) throw error;
        deferred = true;
      }
    }
  }
}

/** What was taken off is a refused statement like others: tried again when everything else is there. */
async function defer(
  part: PartToCopy,
  error: unknown,
  servers: MigrationServers,
  { key, database, attempt }: CopyTaskInput,
): Promise<boolean> {
  if (part.kind !== "table" || !isOfFunctions(error)) return false;
  const run = { key, database, attempt };
  return await withConnection(servers.target(database, "defer"), async (target) => {
    const order = await lastOrder(target, creatingSchema);
    const off = await deferExpressions(target, { schema: part.schema, name: part.table }, async (deferred) => {
      const rows = deferred.map(({ id, object, sql }) =>
        rowOf(run, unapplied({ kind: "check", object, sql }, error), { order, id }),
      );
      await recordStatements(key, rows);
    });
    // Another part's activity may have been quicker.
    return off || (await listStatements(key, database)).some(({ order: known, id }) => known === order && id !== "1");
  });
}

const heapBlocks = `
  select (pg_catalog.pg_relation_size($1::pg_catalog.regclass) / pg_catalog.current_setting('block_size')::int)::float8 as blocks
`;

async function split(
  part: PartToCopy,
  servers: MigrationServers,
  target: pg.Client,
  { key, database, attempt }: CopyTaskInput,
): Promise<void> {
  const table = qualifiedName(part.schema, part.table);
  const { rows } = await withConnection(servers.source(database, "split"), (source) =>
    source.query<{ blocks: number }>(heapBlocks, [table]),
  );
  const parts = await splitPart(target, part, { blocks: rows[0]?.blocks ?? 0, instance: settings().instance });
  if (parts?.length === 0) throw tooSlow(table);
  await recordParts(
    key,
    (parts ?? []).map((piece) => ({ ...plannedPart(database, piece), attempt })),
  );
}

function isConfiguration({ rowFilter }: PartToCopy): boolean {
  return rowFilter !== undefined;
}

async function copyOne(
  part: PartToCopy,
  { source, sourceVersion, target }: OpenSessions,
  options: CopyOneOptions,
): Promise<CopiedPart> {
  const copy = part.kind === "largeObjects" ? copyLargeObjects : copyPart;
  return await copy(part, { source, sourceVersion, target, ...options });
}

/** Behind the schema's own statements. */
const firstLargeObjectOrder = 7_000_000;

async function keepOfLargeObjects(
  { id }: PartToCopy,
  left: readonly UnappliedStatement[],
  { key, database, attempt }: CopyTaskInput,
): Promise<void> {
  const rows = left.map((one, index) =>
    rowOf({ key, database, attempt }, one, { order: firstLargeObjectOrder + id, id: String(index + 1) }),
  );
  await recordStatements(key, rows);
}

function failureOfPart(part: PartToCopy, error: unknown): Failure {
  const failure = failureOf(error, true);
  const table = qualifiedName(part.schema, part.table);
  return { ...failure, target: table, message: `Table ${table}: ${failure.message}` };
}

function tooSlow(table: string): ServiceError {
  const { activityBudgetSeconds } = settings();
  return new ServiceError(
    "CopyTooSlow",
    `A block of table ${table} could not be copied within ${Math.round(activityBudgetSeconds * budgetsForOneTask)} s, and the host would end the copy soon. ` +
      "Raise ACTIVITY_BUDGET_SECONDS and host.json's functionTimeout, or lower MAX_PARALLEL_COPIES if the servers are busy.",
    { target: table },
  );
}
