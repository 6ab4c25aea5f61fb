/**
 * The schema of a database as pg_dump writes it. pg_dump 18 runs as WebAssembly in a thread of its own, over a session
 * that is already logged in, so that no PostgreSQL client needs to be installed where the functions run.
 */
import { spawn } from "node:child_process";
import { MessageChannel, Worker } from "node:worker_threads";
import type pg from "pg";
import type { ServerEndpoint } from "../model/migration.js";
import { ServiceError } from "../model/service-error.js";
import { ledgerSchema } from "../postgres/ledger.js";
import { PgDumpBridge } from "./pg-dump-bridge.js";
import { sendCancelRequest } from "./send-cancel-request.js";

export type SchemaSection = "pre-data" | "post-data";

export interface SchemaDumpOptions {
  readonly section: SchemaSection;
  /** An exported snapshot to read from; without it pg_dump takes one of its own. */
  readonly snapshot?: string;
  /** Milliseconds after which the dump is given up: at most the activity budget. */
  readonly timeLimitMs: number;
  readonly signal?: AbortSignal;
}

/** The longest that pg_dump waits for a table that somebody holds ACCESS EXCLUSIVE, in milliseconds. */
const lockWaitLimitMs = 60_000;

/**
 * Dumps one section over `client`, whose session is dedicated to the dump: idle and outside a transaction before, to be
 * ended by the caller afterwards, whatever came out.
 * Throws ServiceError SchemaDumpFailed with pg_dump's own words, SchemaDumpTimedOut, or the signal's reason.
 */
export async function dumpSchema(client: pg.Client, options: SchemaDumpOptions): Promise<string> {
  options.signal?.throwIfAborted();
  const bridge = await PgDumpBridge.takeOver(client);
  const { port1: ours, port2: theirs } = new MessageChannel();
  const answered = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL("./pg-dump-worker.mjs", import.meta.url), {
    workerData: { args: pgDumpArguments(options), signal: answered.buffer, port: theirs },
    transferList: [theirs],
    // The worker needs no secret and prints nothing that we have not asked for.
    env: {},
    stdout: true,
    stderr: true,
  });
  try {
    return await withinLimits<string>(options, (resolve, reject) => {
      ours.on("message", (bytes: Uint8Array) => {
        bridge.exchange(bytes).then((answer) => {
          ours.postMessage(answer);
          Atomics.store(answered, 0, 1);
          Atomics.notify(answered, 0);
        }, reject);
      });
      worker.on("message", (result: { dump: string } | { failure: string }) =>
        "dump" in result ? resolve(result.dump) : reject(dumpFailed(options.section, result.failure)),
      );
      worker.on("error", (error) => reject(dumpFailed(options.section, error.message, error)));
      worker.on("exit", (code) => reject(dumpFailed(options.section, `its thread ended with code ${code}`)));
    });
  } catch (error) {
    // The server may be in the middle of a query or wait for a lock: it would not notice that we are gone.
    await sendCancelRequest(client);
    throw error instanceof ServiceError || options.signal?.aborted
      ? error
      : dumpFailed(options.section, error instanceof Error ? error.message : String(error), error);
  } finally {
    await worker.terminate();
    ours.close();
    bridge.release();
  }
}

/** A server and its secret, for a pg_dump that logs in by itself. */
export interface NativeDumpConnection {
  readonly endpoint: ServerEndpoint;
  readonly password: string;
  readonly database: string;
}

/** The same with a pg_dump (18) program on this machine, which the setting PG_DUMP_PATH names. */
export async function dumpSchemaNatively(
  program: string,
  connection: NativeDumpConnection,
  options: SchemaDumpOptions,
): Promise<string> {
  options.signal?.throwIfAborted();
  const { endpoint, password, database } = connection;
  const child = spawn(program, pgDumpArguments(options), {
    env: {
      PATH: process.env.PATH,
      PGHOST: endpoint.host,
      PGPORT: String(endpoint.port),
      PGUSER: endpoint.user,
      PGDATABASE: database,
      PGPASSWORD: password,
      PGSSLMODE: { Prefer: "prefer", Require: "require", VerifyCA: "verify-ca", VerifyFull: "verify-full" }[
        endpoint.sslMode
      ],
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output: Buffer[] = [];
  let complaints = "";
  child.stdout.on("data", (bytes: Buffer) => output.push(bytes));
  child.stderr.on("data", (bytes: Buffer) => {
    complaints += bytes.toString();
  });
  try {
    return await withinLimits<string>(options, (resolve, reject) => {
      child.on("error", (error) => reject(dumpFailed(options.section, error.message, error)));
      child.on("close", (code) =>
        code === 0
          ? resolve(Buffer.concat(output).toString())
          : reject(dumpFailed(options.section, `exit code ${code}: ${complaints}`)),
      );
    });
  } finally {
    child.kill("SIGKILL");
  }
}

function pgDumpArguments(options: SchemaDumpOptions): string[] {
  return [
    "--schema-only",
    `--section=${options.section}`,
    "--encoding=UTF8",
    // A copied subscription would start to pull changes into the target.
    "--no-subscriptions",
    // The target need not have the source's tablespaces.
    "--no-tablespaces",
    "--no-statistics",
    `--lock-wait-timeout=${Math.min(lockWaitLimitMs, options.timeLimitMs)}`,
    ...(options.snapshot === undefined ? [] : [`--snapshot=${options.snapshot}`]),
    // A source that has been a target before may have kept it.
    `--exclude-schema=${ledgerSchema}`,
  ];
}

/**
 * The promise that `work` settles, or a rejection when the time is up or the signal aborts. Leaves neither timer nor listener behind.
 */
async function withinLimits<T>(
  options: SchemaDumpOptions,
  work: (resolve: (value: T) => void, reject: (reason: unknown) => void) => void,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  try {
    return await new Promise<T>((resolve, reject) => {
      timer = setTimeout(() => reject(timedOut(options)), options.timeLimitMs);
      onAbort = () => reject(options.signal?.reason);
      options.signal?.addEventListener("abort", onAbort);
      work(resolve, reject);
    });
  } finally {
    clearTimeout(timer);
    if (onAbort !== undefined) options.signal?.removeEventListener("abort", onAbort);
  }
}

function timedOut({ section, timeLimitMs }: SchemaDumpOptions): ServiceError {
  return new ServiceError(
    "SchemaDumpTimedOut",
    `pg_dump did not finish section ${section} within ${Math.round(timeLimitMs / 1000)} s. ` +
      "Look for sessions on the source that hold locks on its tables, then start the migration again.",
  );
}

function dumpFailed(section: SchemaSection, words: string, cause?: unknown): ServiceError {
  return new ServiceError("SchemaDumpFailed", `The schema could not be read (${section}): ${readable(words)}`, {
    cause,
  });
}

/**
 * pg_dump's standard error as a person can read it. pglite-tools joins its lines without their ends; a query of pg_dump's
 * that failed fills a page and helps nobody; and that WebAssembly has no program file is no news.
 */
function readable(words: string): string {
  return words
    .replaceAll(/(?<=\S)(?=pg_dump: )/g, "\n")
    .replaceAll(/pg_dump: detail: Query was: [\s\S]*?(?=\npg_dump: |$)/g, "")
    .replaceAll(/invalid binary "pg_dump": [^\n]*\n?/g, "")
    .trim();
}
