/**
 * The server as pg_dump's libpq sees it: a logged-in session of ours. libpq's greeting (SSLRequest, StartupMessage) is
 * answered here, everything after it goes to the session's socket as it is, so that TLS and every authentication method
 * are pg's business alone. Message formats: PostgreSQL docs, "Message Formats".
 */
import type { Duplex } from "node:stream";
import type pg from "pg";
import { GuardedConnection } from "../postgres/guarded-connection.js";

const sslRequestCode = 80877103;
const gssEncRequestCode = 80877104;
const cancelRequestCode = 80877102;

const query = "Q".charCodeAt(0);
const sync = "S".charCodeAt(0);
const terminate = "X".charCodeAt(0);
const readyForQuery = "Z".charCodeAt(0);

/** What libpq and pg_dump read from ParameterStatus messages. */
const reportedSettings = `
  select name, current_setting(name) as setting
  from unnest($1::text[]) as name`;
const reportedNames = [
  "server_version",
  "server_encoding",
  "client_encoding",
  "is_superuser",
  "session_authorization",
  "DateStyle",
  "IntervalStyle",
  "TimeZone",
  "integer_datetimes",
  "standard_conforming_strings",
];

export class PgDumpBridge {
  /** Is told of requests that go past it. */
  readonly #guard: GuardedConnection | undefined;
  /** Plain or TLS. */
  readonly #socket: Duplex;
  readonly #greeting: Buffer;
  readonly #listeners: readonly ((...args: unknown[]) => void)[];
  #pending: Buffer = Buffer.alloc(0);
  #started = false;
  #answer: AnswerCollector | undefined;
  #broken: Error | undefined;

  private constructor(client: pg.Client, greeting: Buffer) {
    const { connection } = client;
    const socket = connection.stream;
    this.#guard = connection instanceof GuardedConnection ? connection : undefined;
    this.#socket = socket;
    this.#greeting = greeting;
    this.#listeners = socket.listeners("data") as ((...args: unknown[]) => void)[];
    socket.removeAllListeners("data");
    socket.on("data", this.#onData);
    socket.on("close", this.#onClose);
    socket.on("error", this.#onClose);
  }

  /** Takes over the socket of an idle session. Until release() nothing else may use the client. */
  static async takeOver(client: pg.Client): Promise<PgDumpBridge> {
    const { rows } = await client.query<{ name: string; setting: string }>(reportedSettings, [reportedNames]);
    const greeting = Buffer.concat([
      message("R", int32(0)),
      ...rows.map((row) => message("S", Buffer.from(`${row.name}\0${row.setting}\0`))),
      message("K", Buffer.concat([int32(0), int32(0)])),
      message("Z", Buffer.from("I")),
    ]);
    return new PgDumpBridge(client, greeting);
  }

  /**
   * Takes what libpq wrote and resolves with what the server answered: nothing while a request is incomplete (libpq writes
   * long queries in pieces), everything up to ReadyForQuery once it is complete.
   */
  async exchange(bytes: Uint8Array): Promise<Uint8Array> {
    if (this.#broken !== undefined) {
      throw this.#broken;
    }
    this.#pending = this.#pending.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#pending, bytes]);
    return this.#started ? this.#forward() : this.#greet();
  }

  /** Gives the socket back to the client, whose session may now be ended. */
  release(): void {
    this.#socket.off("data", this.#onData);
    this.#socket.off("close", this.#onClose);
    this.#socket.off("error", this.#onClose);
    for (const listener of this.#listeners) {
      this.#socket.on("data", listener);
    }
  }

  #greet(): Uint8Array {
    if (this.#pending.length < 8 || this.#pending.length < this.#pending.readInt32BE(0)) {
      return Buffer.alloc(0);
    }
    const code = this.#pending.readInt32BE(4);
    this.#pending = this.#pending.subarray(this.#pending.readInt32BE(0));
    if (code === sslRequestCode || code === gssEncRequestCode) {
      return Buffer.from("N");
    }
    if (code === cancelRequestCode) {
      return Buffer.alloc(0);
    }
    this.#started = true;
    return this.#greeting;
  }

  async #forward(): Promise<Uint8Array> {
    let end = 0;
    let answers = 0;
    while (this.#pending.length >= end + 5) {
      const type = this.#pending[end];
      const next = end + 1 + this.#pending.readInt32BE(end + 1);
      if (next > this.#pending.length) {
        break;
      }
      if (type === terminate) {
        // Whoever gave us the session ends it.
        this.#pending = Buffer.alloc(0);
        return Buffer.alloc(0);
      }
      answers += type === query || type === sync ? 1 : 0;
      end = next;
    }
    if (answers === 0) {
      return Buffer.alloc(0);
    }
    const request = this.#pending.subarray(0, end);
    this.#pending = Buffer.from(this.#pending.subarray(end));
    return new Promise((resolve, reject) => {
      this.#answer = new AnswerCollector(answers, resolve, reject);
      this.#guard?.expectAnswers(answers);
      this.#socket.write(request);
    });
  }

  readonly #onData = (bytes: Buffer): void => {
    if (this.#answer?.add(bytes) === true) {
      this.#answer = undefined;
    }
  };

  readonly #onClose = (error?: unknown): void => {
    this.#broken ??= error instanceof Error ? error : new Error("the server closed the connection");
    this.#answer?.reject(this.#broken);
    this.#answer = undefined;
  };
}

/** Collects the server's bytes until the awaited number of ReadyForQuery messages has passed. */
class AnswerCollector {
  readonly #chunks: Buffer[] = [];
  readonly #resolve: (answer: Uint8Array) => void;
  readonly reject: (error: Error) => void;
  #awaited: number;
  /** The first bytes of a message whose header has not arrived whole. */
  #header: Buffer = Buffer.alloc(0);
  /** Bytes of the current message still to come. */
  #left = 0;

  constructor(awaited: number, resolve: (answer: Uint8Array) => void, reject: (error: Error) => void) {
    this.#awaited = awaited;
    this.#resolve = resolve;
    this.reject = reject;
  }

  /** Whether the answer is complete with these bytes. */
  add(bytes: Buffer): boolean {
    this.#chunks.push(bytes);
    let position = 0;
    while (position < bytes.length) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, bytes.length - position);
        this.#left -= taken;
        position += taken;
        continue;
      }
      const wanted = 5 - this.#header.length;
      this.#header = Buffer.concat([this.#header, bytes.subarray(position, position + wanted)]);
      position += wanted;
      if (this.#header.length === 5) {
        this.#left = this.#header.readInt32BE(1) - 4;
        this.#awaited -= this.#header[0] === readyForQuery ? 1 : 0;
        this.#header = Buffer.alloc(0);
      }
    }
    if (this.#awaited > 0 || this.#left > 0) {
      return false;
    }
    this.#resolve(Buffer.concat(this.#chunks));
    return true;
  }
}

function message(type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
}
