/**
 * The thread that pg_dump (WebAssembly) runs in. pg_dump's libpq is synchronous: it writes a request and blocks until the
 * answer is there. So this thread blocks too, on shared memory, while the main thread (pg-dump-bridge.ts) talks to the server.
 * Plain JavaScript, because Node starts a worker from a file: this one runs from the sources and from the build alike.
 */
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { pgDump } from "@electric-sql/pglite-tools/pg_dump";

/** @typedef {{ args: string[], asBytes: boolean, signal: SharedArrayBuffer, port: import("node:worker_threads").MessagePort }} WorkerData */

const { args, asBytes, signal, port } = /** @type {WorkerData} */ (workerData);
// What pg_dump calls itself in its messages.
process.argv[1] = "pg_dump";

const answered = new Int32Array(signal);

/**
 * Sends bytes to the server and blocks until the answer is complete.
 * @param {Uint8Array} bytes
 * @returns {Uint8Array}
 */
function exchange(bytes) {
  Atomics.store(answered, 0, 0);
  port.postMessage(bytes.slice());
  // The notification of the answer before may come late, when this thread has gone on because it saw the value: it must not
  // pass for this answer's, for libpq takes an empty answer for a closed connection.
  while (Atomics.load(answered, 0) === 0) {
    Atomics.wait(answered, 0, 0);
  }
  const received = receiveMessageOnPort(port);
  return received === undefined ? new Uint8Array() : received.message;
}

/**
 * pglite-tools removes every line that starts with \restrict from the finished dump, so lines of function bodies too, and
 * offers no way round. Its one call of replace on the text is caught here and the text kept as pg_dump wrote it;
 * split-statements.ts takes out the two lines that pg_dump itself adds.
 * @returns {() => string | undefined} the dump as pg_dump wrote it
 */
function keepUnprunedDump() {
  const replace = String.prototype.replace;
  /** @type {string | undefined} */
  let dump;
  Object.defineProperty(String.prototype, "replace", {
    configurable: true,
    writable: true,
    /**
     * @this {string}
     * @param {string | RegExp} pattern
     * @param {string} replacement
     */
    value: function (pattern, replacement) {
      if (pattern instanceof RegExp && pattern.source.includes("un)?restrict")) {
        dump = String(this);
        return "";
      }
      return Reflect.apply(replace, this, [pattern, replacement]);
    },
  });
  return () => dump;
}

/**
 * pglite-tools reads the finished dump as UTF-8, which replaces what is none. The one decoding that begins as a dump does is
 * caught here, and each byte kept as a character.
 */
function keepBytes() {
  const decode = TextDecoder.prototype.decode;
  const start = Buffer.from("--\n-- PostgreSQL database dump\n");
  TextDecoder.prototype.decode = function (input, options) {
    const bytes =
      input instanceof Uint8Array ? Buffer.from(input.buffer, input.byteOffset, input.byteLength) : undefined;
    if (bytes?.subarray(0, start.length).equals(start)) {
      keptBytes = true;
      return bytes.toString("latin1");
    }
    return Reflect.apply(decode, this, [input, options]);
  };
}

let keptBytes = !asBytes;
if (asBytes) keepBytes();

// The three methods of PGlite that pgDump uses.
const server = {
  query: async () => ({ rows: [{ search_path: "" }] }),
  exec: async () => [],
  /**
   * @param {Uint8Array} bytes
   * @param {{ onRawData: (bytes: Uint8Array) => void }} options
   */
  execProtocolRawStream: (bytes, options) => {
    const answer = exchange(bytes);
    if (answer.byteLength > 0) {
      options.onRawData(answer);
    }
  },
};

const unprunedDump = keepUnprunedDump();
try {
  await pgDump({ pg: /** @type {never} */ (/** @type {unknown} */ (server)), args });
  const dump = unprunedDump();
  if (dump === undefined || !keptBytes) {
    throw new Error("pglite-tools no longer reads or prunes the dump the way pg-dump-worker.mjs expects");
  }
  parentPort?.postMessage({ dump });
} catch (error) {
  parentPort?.postMessage({ failure: error instanceof Error ? error.message : String(error) });
}
port.close();
