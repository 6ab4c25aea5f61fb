/**
 * The schema of a database as pg_dump writes it. pg_dump 18 runs as WebAssembly in a thread of its own, over a session
 * that is already logged in, so that no PostgreSQL client needs to be installed where the functions run.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { MessageChannel, Worker } from "node:worker_threads";
import type pg from "pg";
import { ServiceError } from "../model/service-error.js";
import { PgDumpBridge } from "./pg-dump-bridge.js";
import { dumpFailed, pgDumpArguments, type SchemaDumpOptions, withinLimits } from "./schema-dump.js";
import { sendCancelRequest } from "./send-cancel-request.js";

export type { SchemaDumpOptions, SchemaSection } from "./schema-dump.js";

/**
 * Dumps one section over `client`, whose session is dedicated to the dump: idle and outside a transaction before, to be
 * ended by the caller afterwards, whatever came out.
 * Throws ServiceError SchemaDumpFailed with pg_dump's own words, SchemaDumpTimedOut, or the signal's reason.
 */
export async function dumpSchema(client: pg.Client, options: SchemaDumpOptions): Promise<string> {
  return await runPgDump(client, pgDumpArguments(options), options);
}

/** pg_dump with any arguments, to be answered as text: as dumpSchema(). */
export async function runPgDump(
  client: pg.Client,
  args: readonly string[],
  options: SchemaDumpOptions,
): Promise<string> {
  options.signal?.throwIfAborted();
  compiled ??= compile();
  await compiled;
  const bridge = await PgDumpBridge.takeOver(client);
  const { port1: ours, port2: theirs } = new MessageChannel();
  const answered = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL("./pg-dump-worker.mjs", import.meta.url), {
    workerData: {
      args: [...args],
      asBytes: options.bytesIn !== undefined,
      signal: answered.buffer,
      port: theirs,
    },
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

/** Node has it, its types do not. */
const { WebAssembly } = globalThis as unknown as { WebAssembly: { compile(code: Uint8Array): Promise<object> } };

/**
 * pg_dump's compiled code. V8 shares it with every thread of the process for as long as somebody holds it; otherwise each dump would begin with cold
 * code, and its thread could not end before V8 has optimized what it had begun to (measured: 0.5 s of CPU a dump in place of 0.1).
 */
let compiled: Promise<object> | undefined;

async function compile(): Promise<object> {
  const folder = dirname(createRequire(import.meta.url).resolve("@electric-sql/pglite-tools/pg_dump"));
  return await WebAssembly.compile(await readFile(join(folder, "pg_dump.wasm")));
}
