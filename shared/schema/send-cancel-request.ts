/** Asks the server to stop what a session is doing, without that session's help (PostgreSQL docs, "Canceling Requests in Progress"). */
import { connect } from "node:net";
import type pg from "pg";
import { guardedLookup } from "../addresses/guarded-lookup.js";
import { GuardedConnection } from "../postgres/guarded-connection.js";

const cancelRequestCode = 80877102;
const timeLimitMs = 2_000;

interface SessionKeys {
  readonly processID: number | null;
  readonly secretKey: number | null;
}

/**
 * Best effort: resolves when the server has closed the request's connection, or after two seconds, and never rejects.
 * The request carries no secret but the session's cancel key, and servers take it without TLS whatever pg_hba.conf says.
 */
export async function sendCancelRequest(client: pg.Client): Promise<void> {
  const { processID, secretKey } = client as unknown as SessionKeys;
  if (processID === null || secretKey === null) {
    return;
  }
  const request = Buffer.alloc(16);
  request.writeInt32BE(16, 0);
  request.writeInt32BE(cancelRequestCode, 4);
  request.writeInt32BE(processID, 8);
  request.writeInt32BE(secretKey, 12);
  await new Promise<void>((resolve) => {
    const { connection } = client;
    // Where the session is, and not where its name leads to by now.
    const host = (connection instanceof GuardedConnection ? connection.address : undefined) ?? client.host;
    const socket = connect({ host, port: client.port, lookup: guardedLookup(host) });
    socket.setTimeout(timeLimitMs, () => socket.destroy());
    socket.on("error", () => socket.destroy());
    socket.on("close", () => resolve());
    socket.on("connect", () => socket.end(request));
    socket.resume();
  });
}
