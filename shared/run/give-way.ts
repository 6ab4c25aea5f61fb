/**
 * Getting out of the way of the source's applications. The base copy holds ACCESS SHARE on every table; a TRUNCATE or ALTER TABLE that waits for one makes every
 * reader behind it wait too. While a step of the copy runs, such waiters are looked for; one that has waited too long gets its table: the snapshot is withdrawn,
 * then the copy's sessions are ended, and the copy starts over from a new snapshot.
 */
import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import { type Failure, isCanceled } from "../model/outcome.js";
import { ServiceError } from "../model/service-error.js";
import type { DatabaseRun } from "../model/steps.js";
import { connect, endSession, withConnection } from "../postgres/connect.js";
import { type LockWaiter, listLockWaiters } from "../postgres/lock-waiters.js";
import { endingTask, endSessions } from "../postgres/sessions.js";
import { isSnapshotHeld } from "../postgres/snapshot.js";
import { serverVersion } from "../postgres/source-tables.js";
import { settings } from "../settings.js";
import { currentSnapshot, reasonOfWithdrawal, withdrawSnapshot } from "../status/snapshots.js";
import { failureOf } from "./failure-of.js";
import { serversOf } from "./servers.js";
import { addWarnings } from "./warnings.js";

/** Seconds between two looks at the source, by all steps of this process on one database together. */
const intervalSeconds = 2;

/**
 * The snapshot cannot be relayed past a waiter: the next keeper's locks would queue behind it. A keeper has at least half of its life left when it is to be
 * relayed, so by then the copy must have given way.
 */
const longestShareOfBudget = 0.4;

/** How long somebody may wait for us, in seconds. */
export function lockWaitersLimit(): number {
  const { lockWaitersLimitSeconds, activityBudgetSeconds } = settings();
  return Math.min(lockWaitersLimitSeconds, activityBudgetSeconds * longestShareOfBudget);
}

/** Runs a step of a base copy, and looks meanwhile whether somebody waits for its tables. */
export async function givingWay<T>(run: DatabaseRun, work: () => Promise<T>): Promise<T> {
  const watch = Watch.of(run);
  try {
    return await work();
  } finally {
    await watch.release();
  }
}

/** What all steps of this process on one run share: one session looks for all of them. */
class Watch {
  static readonly #all = new Map<string, Watch>();

  readonly #run: DatabaseRun;
  readonly #id: string;
  #steps = 0;
  #stop = new AbortController();
  #looking: Promise<void> | undefined;
  #nextLook = Date.now() + intervalSeconds * 1_000;
  #session: { readonly client: pg.Client; readonly version: number } | undefined;
  /** When a waiter was first seen, by process ID, where the server does not tell since when it waits. */
  #seen = new Map<number, number>();

  private constructor(run: DatabaseRun, id: string) {
    this.#run = run;
    this.#id = id;
  }

  static of(run: DatabaseRun): Watch {
    const id = JSON.stringify([run.key, run.database, run.attempt]);
    let watch = Watch.#all.get(id);
    if (watch === undefined) {
      watch = new Watch(run, id);
      Watch.#all.set(id, watch);
    }
    watch.#steps += 1;
    watch.#looking ??= watch.#look();
    return watch;
  }

  /** The last step to leave waits until nothing of the watch is on the source any more. */
  async release(): Promise<void> {
    this.#steps -= 1;
    if (this.#steps > 0) return;
    this.#stop.abort();
    await this.#looking;
    if (this.#steps > 0) return;
    // Steps may be shorter than the interval and follow one another: who comes next goes on where this one has stopped.
    setTimeout(() => this.#forget(), 10 * intervalSeconds * 1_000).unref();
  }

  #forget(): void {
    if (this.#steps === 0) Watch.#all.delete(this.#id);
  }

  async #look(): Promise<void> {
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await delay(Math.max(0, this.#nextLook - Date.now()), undefined, { signal });
        this.#nextLook = Date.now() + intervalSeconds * 1_000;
        if ((await currentSnapshot(this.#run.key, this.#run.database, this.#run.attempt)) === undefined) continue;
        const waiter = (await this.#waiters()).find(({ seconds }) => seconds >= lockWaitersLimit());
        if (waiter !== undefined) await giveWay(this.#run, waiter);
      } catch {
        // Either no step is left, and the loop ends; or the storage account or the source did not answer, and the next look will do.
        await this.#leave();
      }
    }
    await this.#leave();
    this.#looking = undefined;
  }

  async #waiters(): Promise<TimedWaiter[]> {
    this.#session ??= await this.#open();
    const { client, version } = this.#session;
    const waiters = await listLockWaiters(client, { migrationKey: this.#run.key, version });
    const now = Date.now();
    this.#seen = new Map(waiters.map(({ pid }) => [pid, this.#seen.get(pid) ?? now]));
    return waiters.map((waiter) => ({
      ...waiter,
      seconds: waiter.seconds ?? (now - (this.#seen.get(waiter.pid) ?? now)) / 1_000,
    }));
  }

  async #open(): Promise<{ readonly client: pg.Client; readonly version: number }> {
    const servers = await serversOf(this.#run.key);
    const client = await connect(servers.source(this.#run.database, "lock waiters"));
    return { client, version: await serverVersion(client) };
  }

  async #leave(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    if (session !== undefined) await endSession(session.client);
  }
}

type TimedWaiter = LockWaiter & { readonly seconds: number };

/** First the snapshot is withdrawn, so that no copy begins that would read what is no longer held; who withdraws it ends the sessions. */
async function giveWay(run: DatabaseRun, waiter: TimedWaiter): Promise<void> {
  const { key, database, attempt } = run;
  const reason = describe(waiter, database);
  if (!(await withdrawSnapshot(key, database, attempt, reason))) return;
  await addWarnings(key, database, [`Copy number ${attempt} gave way. ${reason}`]);
  const servers = await serversOf(key);
  await withConnection(servers.source(database, endingTask), (source) =>
    endSessions(source, { migrationKey: key, database }),
  );
}

function describe(
  { pid, user, application, statement, relation, seconds, behind }: TimedWaiter,
  database: string,
): string {
  const session = `session ${pid} of ${user}${application === "" ? "" : ` (${application})`}`;
  const what =
    statement === undefined
      ? "a statement that the migration's user may not see (GRANT pg_read_all_stats)"
      : `"${statement.replaceAll(/\s+/g, " ").trim()}"`;
  const others = behind === 0 ? "" : `, and ${behind} more ${behind === 1 ? "session" : "sessions"} behind it`;
  return (
    `On the source, in database ${database}, ${session} had waited ${Math.round(seconds)} s for ${relation}, which the copy held: ${what}${others}. ` +
    `The copy lets nobody wait for longer than ${lockWaitersLimit()} s. Run what TRUNCATEs, ALTERs or DROPs tables before or after the migration's copy, ` +
    "or raise LOCK_WAITERS_LIMIT_SECONDS (at most two fifths of ACTIVITY_BUDGET_SECONDS count)."
  );
}

/**
 * Runs what reads from the run's snapshot.
 * @param failureIn what the work answers that it could not do.
 * @throws ServiceError SnapshotLost when something failed and the snapshot is gone, whatever the error that was met says; otherwise that error.
 */
export async function inSnapshot<T>(
  run: DatabaseRun,
  work: () => Promise<T>,
  failureIn: (answer: T) => Failure | undefined = () => undefined,
): Promise<T> {
  let answer: T;
  try {
    answer = await work();
  } catch (error) {
    throw (await lossOfSnapshot(run, failureOf(error))) ?? error;
  }
  const failure = failureIn(answer);
  const loss = failure && !isCanceled(failure) ? await lossOfSnapshot(run, failure) : undefined;
  if (loss !== undefined) throw loss;
  return answer;
}

/** What to tell in place of a failure; undefined when the snapshot is still held, or nobody can tell. */
async function lossOfSnapshot(run: DatabaseRun, { message }: Failure): Promise<ServiceError | undefined> {
  const { key, database, attempt } = run;
  try {
    const current = await currentSnapshot(key, database, attempt);
    if (current === undefined) {
      const reason = await reasonOfWithdrawal(key, database, attempt);
      return new ServiceError("SnapshotLost", reason ?? closed(database), { target: database });
    }
    const servers = await serversOf(key);
    const held = await withConnection(servers.source(database, "look for snapshot"), (source) =>
      isSnapshotHeld(source, current.snapshot),
    );
    // The relay may have changed its name meanwhile.
    const next = held ? current : await currentSnapshot(key, database, attempt);
    if (held || next?.snapshot !== current.snapshot) return undefined;
    return new ServiceError(
      "SnapshotLost",
      `The snapshot of database ${database} is gone: every session that kept it was ended. What failed first: ${message}`,
      { target: database },
    );
  } catch {
    // The error itself says that a server or the storage account does not answer.
    return undefined;
  }
}

function closed(database: string): string {
  return `The snapshot of database ${database} has been closed.`;
}
