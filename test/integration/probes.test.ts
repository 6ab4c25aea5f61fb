import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EmbeddedServer } from "../../local/embedded-server.js";
import { freePort } from "../../local/free-port.js";
import { connect } from "../../shared/postgres/connect.js";
import { probeServer } from "../../shared/postgres/probe.js";

let server: EmbeddedServer;
const open: Socket[] = [];
const listeners: Server[] = [];

beforeAll(async () => {
  server = await EmbeddedServer.start({ major: 17 });
});
afterAll(async () => {
  for (const socket of open) socket.destroy();
  for (const listener of listeners) listener.close();
  await server.stop();
});

async function listen(answer: (socket: Socket) => void): Promise<number> {
  const listener = createServer((socket) => {
    open.push(socket);
    socket.on("error", () => {});
    answer(socket);
  }).listen(0, "127.0.0.1");
  listeners.push(listener);
  await once(listener, "listening");
  const address = listener.address();
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  return address.port;
}

function login(port: number, host = "127.0.0.1") {
  return { endpoint: { host, port, user: server.user, sslMode: "Prefer" as const }, password: server.password };
}

const loggedIn = Buffer.concat([
  Buffer.from("R\0\0\0\x08\0\0\0\0", "latin1"),
  Buffer.from("K\0\0\0\x0c\0\0\0\x01\0\0\0\x01", "latin1"),
  Buffer.from("Z\0\0\0\x05I", "latin1"),
]);

test("a server that is silent after the login is given up", async () => {
  const port = await listen((socket) => {
    socket.once("data", () => {
      socket.write("N");
      socket.end();
    });
  });
  const silent = await listen((socket) => {
    socket.once("data", (request: Buffer) => socket.write(request.readInt32BE(4) === 80877103 ? "N" : loggedIn));
  });
  await expect(
    connect({ ...login(silent), database: "postgres", applicationName: "test", connectTimeoutSeconds: 1 }),
  ).rejects.toMatchObject({ code: "ServerUnreachable", message: expect.stringContaining("timeout expired") });
  expect(await probeServer(login(port))).toMatchObject({ reachable: false, error: { code: "ServerUnreachable" } });
});

test("a session has an end when one was asked for, whatever it does", async () => {
  const client = await connect({
    ...login(server.port),
    database: "postgres",
    applicationName: "test",
    limitSeconds: 1,
  });
  await expect(client.query("select pg_sleep(60)")).rejects.toMatchObject({ code: "ServerUnreachable" });
});

test("a port that is closed, one that hangs up and one that speaks otherwise are told in the same words", async () => {
  const ports = [
    await freePort(),
    await listen((socket) => socket.destroy()),
    await listen((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")),
    await listen((socket) => {
      socket.once("data", () => {
        socket.write("N");
        socket.on("data", () => socket.write("garbage, and a lot of it"));
      });
    }),
  ];
  const told = await Promise.all(
    ports.map(async (port) => JSON.stringify(await probeServer(login(port))).replaceAll(String(port), "PORT")),
  );
  expect(new Set(told).size).toBe(1);
  expect(told[0]).toContain("Check host and port");
});

test("a name that does not exist is told as such", async () => {
  const outcome = await probeServer(login(5432, "nowhere.invalid"));
  expect(outcome).toMatchObject({ reachable: false, error: { message: expect.stringMatching(/ENOTFOUND|EAI_AGAIN/) } });
});

test.each(["169.254.169.254", "0xa9fea9fe", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fe80::1"])(
  "%s is not connected to",
  async (host) => {
    expect(await probeServer(login(80, host))).toMatchObject({ error: { code: "AddressNotAllowed" } });
  },
);
