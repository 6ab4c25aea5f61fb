/**
 * The driver's connection, behind a look at everything that the server sends (server-messages.ts): whatever goes wrong with it, here or in the
 * driver's own parser, is an error of this connection. Without it a few bytes of a server end the process, and every other migration's work in it.
 */
import { type LookupFunction, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ConnectionOptions } from "node:tls";
import pg from "pg";
import { guardedLookup } from "../addresses/guarded-lookup.js";
import { ServiceError } from "../model/service-error.js";
import { settings } from "../settings.js";
import { ProtocolViolation, ServerMessages } from "./server-messages.js";

/** What of pg's Connection its types leave out. */
interface ConnectionInternals {
  stream: Duplex;
  attachListeners(stream: Duplex): void;
  startup(config: unknown): void;
}

const DriverConnection = pg.Connection as unknown as new (config: object) => pg.Connection & ConnectionInternals;

/** A socket that only connects to what ALLOWED_ADDRESSES allows. */
class CheckedSocket extends Socket {
  readonly #lookup: LookupFunction;

  constructor(host: string) {
    super();
    this.#lookup = guardedLookup(host);
  }

  // pg calls it with port and host.
  override connect(...target: unknown[]): this {
    const [port, host] = target;
    if (typeof port !== "number" || typeof host !== "string") throw new TypeError("pg connects otherwise than it did");
    return super.connect({ port, host, lookup: this.#lookup });
  }
}

type Push = (chunk: unknown, encoding?: BufferEncoding) => boolean;

export interface GuardedConnectionOptions {
  readonly host: string;
  readonly ssl: ConnectionOptions | false;
}

export class GuardedConnection extends DriverConnection {
  readonly #messages = new ServerMessages();
  readonly #socket: Socket;
  readonly #host: string;
  readonly #verified: boolean;

  /** @throws ServiceError AddressNotAllowed */
  constructor({ host, ssl }: GuardedConnectionOptions) {
    const socket = new CheckedSocket(host);
    super({ ssl, stream: socket, keepAlive: true, keepAliveInitialDelayMillis: 10_000 });
    this.#socket = socket;
    this.#host = host;
    this.#verified = ssl !== false && ssl.rejectUnauthorized === true;
  }

  /** The IP address that the session is with; undefined before and after. */
  get address(): string | undefined {
    return this.#socket.remoteAddress;
  }

  override startup(config: unknown): void {
    this.#messages.expect();
    super.startup(config);
  }

  override query(text: string): void {
    this.#messages.expect();
    super.query(text);
  }

  override sync(): void {
    this.#messages.expect();
    super.sync();
  }

  /** Whoever is in between may ask for the password as it is: only a server whose certificate was verified gets it. */
  override emit(event: string | symbol, ...values: unknown[]): boolean {
    if (event === "authenticationCleartextPassword" && !this.#verified && !settings().clearTextPasswords) {
      this.stream.destroy(
        new ServiceError(
          "ClearTextPasswordRefused",
          `${this.#host} asks for the password in clear text and was not verified, so it was not given. Let the server ask for scram-sha-256 (pg_hba.conf), or ` +
            "verify it: sslMode VerifyFull, with SSL_ROOT_CERTIFICATE if its certificate is of an authority of your own.",
          { target: this.#host },
        ),
      );
      return true;
    }
    return super.emit(event, ...values);
  }

  /** For who writes requests to the socket itself: how many ReadyForQuery messages they will be answered with. */
  expectAnswers(answers: number): void {
    this.#messages.expect(answers);
  }

  /** pg calls it with the socket that messages come from: the plain one, or the one with TLS. */
  override attachListeners(stream: Duplex): void {
    this.#checkArrivals(stream);
    super.attachListeners(stream);
    // pg-copy-streams takes this one listener away for as long as it reads the socket itself.
    const [parse] = stream.listeners("data").slice(-1) as ((bytes: Buffer) => void)[];
    if (parse === undefined) throw new Error("pg reads the socket otherwise than it did");
    stream.off("data", parse);
    stream.on("data", (bytes: Buffer) => {
      if (stream.destroyed) return;
      try {
        parse(bytes);
      } catch (error) {
        stream.destroy(unreadable(error));
      }
    });
  }

  /** Where bytes enter the stream, whoever reads it: pg, pg-copy-streams or pg_dump. */
  #checkArrivals(stream: Duplex): void {
    const push = stream.push.bind(stream) as Push;
    stream.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
      if (!Buffer.isBuffer(chunk)) return push(chunk, encoding);
      if (stream.destroyed) return false;
      try {
        let more = true;
        for (const passed of this.#messages.pass(chunk, stream.listenerCount("data") === 0)) more = push(passed);
        return more;
      } catch (error) {
        stream.destroy(unreadable(error));
        return false;
      }
    };
  }
}

function unreadable(error: unknown): ProtocolViolation {
  if (error instanceof ProtocolViolation) return error;
  return new ProtocolViolation(error instanceof Error ? error.message : String(error));
}
