import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EmbeddedServer, testCertificateAuthority } from "../../local/embedded-server.js";
import { repositoryRoot } from "../../local/repository-root.js";
import { type SslMode, sslModes } from "../../shared/model/migration.js";
import { connect, endSession } from "../../shared/postgres/connect.js";

const folder = join(repositoryRoot, "local/tls");
const file = (name: string) => readFileSync(join(folder, name), "utf8");

// The authority of the expired certificate is trusted, so that only its age is against it.
process.env.SSL_ROOT_CERTIFICATE = `${readFileSync(testCertificateAuthority, "utf8")}\n${file("expired.crt")}`;

const password = "s3cret-of-nobody-else";

/** Between us and a server: what it is, and every password that it was given in clear text. */
interface Listener {
  readonly port: number;
  readonly heard: string[];
}

const listeners: Server[] = [];
const sockets = new Set<Socket>();
const servers = new Map<string, EmbeddedServer>();

beforeAll(async () => {
  const kinds = {
    trusted: true,
    plain: undefined,
    "wrong name": "wrong-host",
    foreign: "foreign",
    expired: "expired",
  } as const;
  await Promise.all(
    Object.entries(kinds).map(async ([name, tls]) => {
      servers.set(name, await EmbeddedServer.start({ major: 17, ...(tls === undefined ? {} : { tls }) }));
    }),
  );
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  for (const listener of listeners) listener.close();
  await Promise.all([...servers.values()].map((server) => server.stop()));
});

/** Asks for the password in clear text; over TLS with a certificate, or in plain. */
async function listen(certificate: string | undefined): Promise<Listener> {
  const heard: string[] = [];
  const ask = (socket: Socket | TLSSocket) => {
    socket.on("error", () => {});
    socket.on("data", (bytes: Buffer) => {
      if (bytes[0] === "p".charCodeAt(0)) heard.push(bytes.toString("latin1", 5));
      else socket.write(Buffer.from("R\0\0\0\x08\0\0\0\x03", "latin1"));
    });
  };
  const listener = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("data", (request: Buffer) => {
      if (request.readInt32BE(4) !== 80877103) {
        ask(socket);
        socket.emit("data", request);
      } else if (certificate === undefined) {
        socket.write("N");
      } else {
        socket.write("S");
        const key = file(`${certificate}.key`);
        ask(new TLSSocket(socket, { isServer: true, cert: file(`${certificate}.crt`), key }));
      }
    });
  }).listen(0, "127.0.0.1");
  listeners.push(listener);
  await once(listener, "listening");
  const address = listener.address();
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  return { port: address.port, heard };
}

async function open(port: number, sslMode: SslMode, login = { user: "postgres", password }): Promise<string> {
  try {
    const client = await connect({
      endpoint: { host: "127.0.0.1", port, user: login.user, sslMode },
      password: login.password,
      database: "postgres",
      applicationName: "test",
      connectTimeoutSeconds: 5,
    });
    const { rows } = await client.query<{ ssl: boolean }>("select ssl from pg_stat_ssl where pid = pg_backend_pid()");
    await endSession(client);
    return rows[0]?.ssl === true ? "TLS" : "plain";
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

/** README's table, with SSL_ROOT_CERTIFICATE set: what each mode makes of each server, in the order of the modes. */
const table: Record<string, readonly string[]> = {
  trusted: ["TLS", "TLS", "TLS", "TLS"],
  plain: ["plain", "TlsNotSupported", "TlsNotSupported", "TlsNotSupported"],
  "wrong name": ["TLS", "TLS", "TLS", "TlsVerificationFailed"],
  foreign: ["TLS", "TlsVerificationFailed", "TlsVerificationFailed", "TlsVerificationFailed"],
  expired: ["TLS", "TlsVerificationFailed", "TlsVerificationFailed", "TlsVerificationFailed"],
};

describe.each(Object.entries(table))("a server that is %s", (name, outcomes) => {
  test.each(sslModes.map((mode, index) => [mode, outcomes[index]] as const))(
    "for sslMode %s: %s",
    async (mode, outcome) => {
      const server = servers.get(name);
      if (server === undefined) throw new Error(`no server ${name}`);
      expect(await open(server.port, mode, server)).toBe(outcome);
    },
  );
});

test.each([
  ["in plain", undefined],
  ["with a foreign certificate", "foreign"],
  ["with an expired certificate", "expired"],
])("whoever asks for a password in clear text, %s, gets none in any mode", async (_, certificate) => {
  const listener = await listen(certificate);
  const outcomes: string[] = [];
  for (const mode of sslModes) outcomes.push(await open(listener.port, mode));
  expect(listener.heard).toEqual([]);
  expect(outcomes[0]).toBe("ClearTextPasswordRefused");
  expect(new Set(outcomes.slice(1))).toEqual(
    new Set([certificate === undefined ? "TlsNotSupported" : "TlsVerificationFailed"]),
  );
});

test.each(["Require", "VerifyCA", "VerifyFull"] as const)(
  "a server that was verified gets it with sslMode %s",
  async (mode) => {
    const listener = await listen("server");
    await open(listener.port, mode);
    expect(listener.heard).toEqual([`${password}\0`]);
  },
);

test("no message advises to verify less", async () => {
  for (const [name, server] of servers) {
    for (const mode of sslModes) {
      const attempt = connect({
        endpoint: { host: "127.0.0.1", port: server.port, user: server.user, sslMode: mode },
        password: server.password,
        database: "postgres",
        applicationName: "test",
      });
      const message = await attempt.then(endSession, (error: Error) => error.message);
      expect(message ?? "", `${name} ${mode}`).not.toMatch(/choose sslMode|Prefer/);
    }
  }
});

test("channel binding is used: who ends TLS in between with a certificate of his own is not let in", async () => {
  const server = servers.get("trusted");
  if (server === undefined) throw new Error("no server");
  const relay = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("data", () => {
      socket.write("S");
      const ours = new TLSSocket(socket, { isServer: true, cert: file("foreign.crt"), key: file("foreign.key") });
      ours.on("error", () => {});
      void tlsTo(server.port).then((theirs) => {
        theirs.on("error", () => {});
        ours.pipe(theirs);
        theirs.pipe(ours);
      });
    });
  }).listen(0, "127.0.0.1");
  listeners.push(relay);
  await once(relay, "listening");
  const address = relay.address();
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  // Prefer verifies nothing: only the binding is in the way.
  expect(await open(address.port, "Prefer", server)).toBe("AuthenticationFailed");
});

async function tlsTo(port: number): Promise<TLSSocket> {
  const { connect: open } = await import("node:net");
  const { connect: secure } = await import("node:tls");
  const socket = open(port, "127.0.0.1");
  sockets.add(socket);
  await once(socket, "connect");
  const request = Buffer.alloc(8);
  request.writeInt32BE(8, 0);
  request.writeInt32BE(80877103, 4);
  socket.write(request);
  await once(socket, "data");
  const theirs = secure({ socket, rejectUnauthorized: false });
  await once(theirs, "secureConnect");
  return theirs;
}
