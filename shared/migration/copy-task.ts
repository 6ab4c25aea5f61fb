/** One copy activity: the parts of one task, one after the other, read from the database's snapshot. */
import type pg from "pg";
import { copyLargeObjects } from "../copy/copy-large-objects.js";
import { copyPart } from "../copy/copy-part.js";
import type { CopiedPart } from "../copy/load-once.js";
import { type PartToCopy, readTask } from "../copy/plan-store.js";
import { ProgressReporter } from "../copy/progress-reporter.js";
import { canceled, type Failure } from "../model/outcome.js";
import { ServiceError } from "../model/service-error.js";
import { abandonSession, type ConnectOptions, connect, endSession } from "../postgres/connect.js";
import { qualifiedName } from "../postgres/identifiers.js";
import { importSnapshot } from "../postgres/snapshot.js";
import { serverVersion } from "../postgres/source-tables.js";
import { isTransient } from "../postgres/transient.js";
import { settings } from "../settings.js";
import { getDatabase } from "../status/databases.js";
import { failureOf } from "./failure-of.js";
import { serversOf } from "./servers.js";

export interface CopyTaskInput {
  readonly key: string;
  readonly database: string;
  readonly task: number;
}

export interface CopiedTask {
  readonly rows: number;
  readonly bytes: number;
  /** The first table that could not be copied. */
  readonly failure?: Failure;
}

/** A part must be in well before the host ends the function; two budgets are host.json's functionTimeout with the default settings. */
const budgetsForOneTask = 1.8;

/**
 * Copies what the ledger does not have yet. A table that cannot be copied does not stop the others of its batch; it is the task's failure.
 * @throws what may go away by itself (see isTransient), with the parts done so far kept; ServiceError SnapshotLost.
 */
export async function runCopyTask(input: CopyTaskInput): Promise<CopiedTask> {
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
  const limitSeconds = activityBudgetSeconds * budgetsForOneTask;
  const limit = setTimeout(() => abort.abort(tooSlow(limitSeconds)), limitSeconds * 1_000);
  abort.signal.addEventListener("abort", () => sessions.abandon());
  try {
    reporter.start();
    const parts = await readTask(reporting, task);
    const copied = await copyParts(parts, sessions, reporter, abort.signal, instance);
    await reporter.stop();
    return copied;
  } catch (error) {
    await reporter.stop().catch(() => {
      // The copy's own error is the one to tell; what the reporter could not tell, the next attempt will.
    });
    if (reporter.canceled) return { rows: 0, bytes: 0, failure: canceled };
    throw abort.signal.aborted ? abort.signal.reason : error;
  } finally {
    clearTimeout(limit);
    await sessions.end();
    await endSession(reporting);
  }
}

async function copyParts(
  parts: readonly PartToCopy[],
  sessions: CopySessions,
  reporter: ProgressReporter,
  signal: AbortSignal,
  instance: string,
): Promise<CopiedTask> {
  let rows = 0;
  let bytes = 0;
  let failure: Failure | undefined;
  for (const part of parts) {
    signal.throwIfAborted();
    let flowed = 0;
    reporter.note(part, { state: "loading", rows: 0, bytes: 0 });
    const onBytes = (chunk: number) => {
      flowed += chunk;
      reporter.note(part, { state: "loading", rows: 0, bytes: flowed });
    };
    try {
      const copied = await copyOne(part, await sessions.open(), { instance, signal, onBytes });
      reporter.note(part, { state: "completed", ...copied });
      rows += copied.rows;
      bytes += copied.bytes;
    } catch (error) {
      // A stream that broke in the middle leaves both sessions in an unknown state.
      sessions.abandon();
      const partFailure = failureOfPart(part, error);
      if (!signal.aborted)
        reporter.note(part, { state: "errored", rows: 0, bytes: flowed, error: partFailure.message });
      if (signal.aborted || isTransient(error) || partFailure.code === "SnapshotLost") throw error;
      failure ??= partFailure;
    }
  }
  return failure === undefined ? { rows, bytes } : { rows, bytes, failure };
}

async function copyOne(
  part: PartToCopy,
  { source, sourceVersion, target }: OpenSessions,
  options: { instance: string; signal: AbortSignal; onBytes: (bytes: number) => void },
): Promise<CopiedPart> {
  const copy = part.kind === "largeObjects" ? copyLargeObjects : copyPart;
  return await copy(part, { source, sourceVersion, target, ...options });
}

function failureOfPart(part: PartToCopy, error: unknown): Failure {
  const failure = failureOf(error);
  const table = qualifiedName(part.schema, part.table);
  return { ...failure, target: table, message: `Table ${table}: ${failure.message}` };
}

function tooSlow(seconds: number): ServiceError {
  return new ServiceError(
    "CopyTooSlow",
    `A copy task was not done after ${Math.round(seconds)} s, and the host would end it soon. Lower PART_SIZE_MB, or MAX_PARALLEL_COPIES if the servers are busy.`,
  );
}

interface OpenSessions {
  readonly source: pg.Client;
  readonly sourceVersion: number;
  readonly target: pg.Client;
}

/** The two sessions that the parts of a task are copied with: opened when first needed, and again after a broken copy. */
class CopySessions {
  readonly #source: ConnectOptions;
  readonly #target: ConnectOptions;
  readonly #task: CopyTaskInput;
  #open: OpenSessions | undefined;

  constructor(source: ConnectOptions, target: ConnectOptions, task: CopyTaskInput) {
    this.#source = source;
    this.#target = target;
    this.#task = task;
  }

  async open(): Promise<OpenSessions> {
    this.#open ??= await this.#connect();
    return this.#open;
  }

  /** Closes the sockets at once: both servers roll back. */
  abandon(): void {
    if (this.#open === undefined) return;
    abandonSession(this.#open.source);
    abandonSession(this.#open.target);
    this.#open = undefined;
  }

  async end(): Promise<void> {
    if (this.#open === undefined) return;
    await Promise.all([endSession(this.#open.source), endSession(this.#open.target)]);
    this.#open = undefined;
  }

  async #connect(): Promise<OpenSessions> {
    const source = await connect(this.#source);
    try {
      const sourceVersion = await serverVersion(source);
      await this.#importSnapshot(source);
      return { source, sourceVersion, target: await connect(this.#target) };
    } catch (error) {
      await endSession(source);
      throw error;
    }
  }

  /** The relay may change the snapshot's name between our reading it and importing it: the name that is current then is tried once more. */
  async #importSnapshot(source: pg.Client): Promise<void> {
    const first = await this.#snapshot();
    try {
      await importSnapshot(source, first);
    } catch (error) {
      const second = await this.#snapshot();
      if (second === first) throw error;
      await source.query("rollback");
      await importSnapshot(source, second);
    }
  }

  async #snapshot(): Promise<string> {
    const row = await getDatabase(this.#task.key, this.#task.database);
    if (row?.snapshot === undefined) {
      throw new ServiceError("SnapshotLost", `The snapshot of database ${this.#task.database} has been closed.`);
    }
    return row.snapshot;
  }
}
