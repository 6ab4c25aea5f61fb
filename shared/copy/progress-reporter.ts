/**
 * Tells how far the parts of one copy activity are, every second while they are copied: to the plan in the target, and from there, added up, to
 * the tables that people read. The same round trip asks whether the database is being cancelled.
 */
import type pg from "pg";
import { type PartProgress, type PartToCopy, readDatabaseProgress, recordProgress } from "../ledger/parts.js";
import { isCancelRequested, recordDatabase } from "../status/databases.js";
import { isPlatformFault } from "../status/platform-fault.js";
import { keepSample, sampleSpan } from "../status/samples.js";
import { recordParts } from "../status/tables.js";
import { plannedPart } from "./planned-part.js";

const intervalMs = 1_000;

/** Flushes that may fail in a row, for the target's sake, before the copy gives up. */
const failuresAllowed = 10;

export interface ReportedDatabase {
  readonly key: string;
  readonly database: string;
  readonly instance: string;
}

export class ProgressReporter {
  readonly #target: pg.Client;
  readonly #database: ReportedDatabase;
  readonly #abort: AbortController;
  readonly #changed = new Map<number, { part: PartToCopy; progress: PartProgress; startedOn: string }>();
  readonly #startedOn = new Map<number, string>();
  #timer: NodeJS.Timeout | undefined;
  /** The tick that is under way: the next one comes after it, however long the storage account takes. */
  #ticking: Promise<void> | undefined;
  #failures = 0;
  #canceled = false;
  /** The span of time that has a sample already. */
  #sampled = 0;

  /** @param target a session of its own on the target database: progress is not part of the loading transaction. */
  constructor(target: pg.Client, database: ReportedDatabase, abort: AbortController) {
    this.#target = target;
    this.#database = database;
    this.#abort = abort;
  }

  /** Whether the database is being cancelled; the copy has been aborted then. */
  get canceled(): boolean {
    return this.#canceled;
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#ticking ??= this.#tick().finally(() => {
        this.#ticking = undefined;
      });
    }, intervalMs);
  }

  /** Notes how far a part is; told with the next flush. */
  note(part: PartToCopy, progress: Omit<PartProgress, "id" | "instance">): void {
    const startedOn = this.#startedOn.get(part.id) ?? new Date().toISOString();
    this.#startedOn.set(part.id, startedOn);
    this.#changed.set(part.id, {
      part,
      progress: { ...progress, id: part.id, instance: this.#database.instance },
      startedOn,
    });
  }

  /**
   * Stops the clock and tells what is still untold.
   * @throws what keeps it from being told: then the task is to be run again, and finds its parts loaded
   */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#ticking;
    await this.#flush();
  }

  async #tick(): Promise<void> {
    try {
      await this.#flush();
      this.#failures = 0;
      if (await isCancelRequested(this.#database.key, this.#database.database)) {
        this.#canceled = true;
        this.#abort.abort(new Error("canceled"));
      }
    } catch (error) {
      // The copy goes on while only its status cannot be written: the next tick that gets through tells it.
      if (isPlatformFault(error)) return;
      this.#failures += 1;
      if (this.#failures >= failuresAllowed) this.#abort.abort(error);
    }
  }

  async #flush(): Promise<void> {
    const changed = [...this.#changed.values()];
    this.#changed.clear();
    try {
      await this.#tell(changed);
    } catch (error) {
      // Untold still: unless newer progress has come, the next flush tells it.
      for (const entry of changed) if (!this.#changed.has(entry.part.id)) this.#changed.set(entry.part.id, entry);
      throw error;
    }
  }

  async #tell(changed: { part: PartToCopy; progress: PartProgress; startedOn: string }[]): Promise<void> {
    const { key, database, instance } = this.#database;
    await recordProgress(
      this.#target,
      changed.map(({ progress }) => progress),
    );
    const [total] = await Promise.all([
      readDatabaseProgress(this.#target),
      recordParts(
        key,
        changed.map(({ part, progress, startedOn }) => ({
          // All of it: a part that was cut from another may not have been announced, for who cut it may have died.
          ...plannedPart(database, part),
          state: progress.state,
          instance,
          rows: progress.rows,
          bytes: progress.bytes,
          error: progress.error ?? "",
          startedOn,
          ...(progress.state === "completed" || progress.state === "errored"
            ? { endedOn: new Date().toISOString() }
            : {}),
        })),
      ),
    ]);
    await recordDatabase(key, database, total);
    const span = sampleSpan();
    if (span !== this.#sampled) {
      await keepSample(key, database, total);
      this.#sampled = span;
    }
  }
}
