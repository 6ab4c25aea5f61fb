/**
 * Detached statements: long DDL (index builds, foreign keys, refreshes) that goes on in the server when the function that
 * started it is gone.
 *
 * The statement travels in one message together with the insert of its ledger row: one implicit transaction, which commits
 * in the server whether or not anybody is there to hear of it. Whoever wants the statement done later finds either the
 * ledger row (it is done), or a session that is still at it (wait), or neither (run it). Two that run it at the same time
 * meet at the ledger's primary key: the second waits there, and is told that the row exists when the first has committed.
 */
import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import { abandonSession, type ConnectOptions, connect, endSession } from "../postgres/connect.js";
import { quoteIdentifier, quoteLiteral } from "../postgres/identifiers.js";
import type { SessionSettings } from "../postgres/session-settings.js";
import { statementFailed } from "../postgres/statement-failed.js";
import { queryLedger } from "./ledger-name.js";
import { isRecorded, recordingSql } from "./statement-ledger.js";

export interface DetachedStatement {
  /** Its key in the statement ledger. */
  readonly id: string;
  /** One statement that may run in a transaction block. */
  readonly sql: string;
  /** Readable, for the ledger and for errors. */
  readonly object: string;
  /** The role that runs it, when it is not the session's user. */
  readonly as?: string;
}

export interface DetachedRun {
  /** Milliseconds after which we leave the statement to the server. */
  readonly deadlineMs: number;
  /** Who asks, for the ledger. */
  readonly instance: string;
  /**
   * For a database that has no ledger any more: a statement that goes on is found by its session alone, and is run again
   * when that has gone. Whoever asks has to take "already there" for done.
   */
  readonly unrecorded?: boolean;
  /** When it aborts, we leave at once; ending the statement is up to whoever aborts (it is one of the migration's sessions). */
  readonly signal?: AbortSignal;
}

/** "running": the deadline has passed and the server goes on; ask again later. */
export type DetachedOutcome = "done" | "running";

const pollMs = 500;

/**
 * Besides what every session of ours has: nothing is sent to a client that may be gone, for a failed write would end the session. Row security is on,
 * for a materialized view is refreshed as its owner, who may see what the policies let him see.
 */
const detachedSettings: SessionSettings = { client_min_messages: "error", row_security: "on" };

// pg_stat_activity is read after the snapshot is taken: a statement that commits in between shows in neither, is run
// again, and ends at the ledger's key. The other way round it could not be told from one that failed.
const lookUp = `
  select
    exists (select from _pgmig.statement_ledger where id = $1) as done,
    exists (
      select
      from pg_catalog.pg_stat_activity
      where datname = pg_catalog.current_database()
        and application_name = $2
        and state is distinct from 'idle'
    ) as running`;

const lookForSession = `
  select
    false as done,
    exists (
      select
      from pg_catalog.pg_stat_activity
      where datname = pg_catalog.current_database()
        and application_name = $1
        and state is distinct from 'idle'
    ) as running`;

/**
 * Gets the statement done, or stays with it until the deadline. Any number of callers may ask at the same time; the
 * statement takes effect once. `connection.applicationName` says whose session it is; a mark of the statement is appended.
 * Throws ServiceError SchemaStatementFailed with the object and the server's message when the statement fails: it has then
 * left no trace, and the next caller runs it again. A lost connection is such an error too (its cause says so).
 */
export async function runDetached(
  connection: ConnectOptions,
  statement: DetachedStatement,
  run: DetachedRun,
): Promise<DetachedOutcome> {
  run.signal?.throwIfAborted();
  const deadline = Date.now() + run.deadlineMs;
  const applicationName = sessionName(connection.applicationName, statement.id);
  const client = await connect({ ...connection, settings: detachedSettings });
  let left = false;
  try {
    for (;;) {
      const { rows } = await (run.unrecorded === true
        ? client.query<{ done: boolean; running: boolean }>(lookForSession, [applicationName])
        : queryLedger<{ done: boolean; running: boolean }>(client, lookUp, [statement.id, applicationName]));
      if (rows[0]?.done === true) return "done";
      if (rows[0]?.running !== true) break;
      if (Date.now() + pollMs > deadline) return "running";
      await delay(pollMs, undefined, run.signal === undefined ? {} : { signal: run.signal });
    }
    const outcome = await withinDeadline(execute(client, applicationName, statement, run), deadline, run.signal);
    left = outcome === "running";
    return outcome;
  } catch (error) {
    left = run.signal?.aborted === true;
    throw left ? run.signal?.reason : error;
  } finally {
    if (left) abandonSession(client);
    else await endSession(client);
  }
}

/**
 * The name by which others recognise the session is set in the same message: a session that has it is at work, and one
 * whose function died before it sent the message does not have it.
 */
async function execute(
  client: pg.Client,
  applicationName: string,
  statement: DetachedStatement,
  { instance, unrecorded }: DetachedRun,
): Promise<"done"> {
  const record =
    unrecorded === true
      ? ""
      : `${await recordingSql(client, { id: statement.id, object: statement.object, instance })};`;
  try {
    await client.query(`
      set application_name = ${quoteLiteral(applicationName)};
      ${record}
      ${statement.as === undefined ? "" : `set role ${quoteIdentifier(statement.as)};`}
      ${statement.sql}`);
    return "done";
  } catch (error) {
    if (await isRecorded(client, error)) return "done";
    throw statementFailed(statement.object, error, true);
  }
}

/** The answer if it comes in time. Afterwards nobody waits for it: that it fails then must not end the process. */
async function withinDeadline(
  answer: Promise<"done">,
  deadline: number,
  signal: AbortSignal | undefined,
): Promise<DetachedOutcome> {
  answer.catch(() => {});
  const timer = new AbortController();
  const stop = AbortSignal.any([timer.signal, ...(signal === undefined ? [] : [signal])]);
  try {
    return await Promise.race([
      answer,
      delay(Math.max(0, deadline - Date.now()), "running" as const, { signal: stop }),
    ]);
  } finally {
    timer.abort();
  }
}

/** The statement's session is recognised by its name, which pg_stat_activity cuts at 63 bytes. */
function sessionName(prefix: string, id: string): string {
  const mark = createHash("sha256").update(id).digest("hex").slice(0, 12);
  return `${prefix.slice(0, 50)} ${mark}`;
}
