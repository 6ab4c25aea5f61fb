import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { EmbeddedServer } from "../../local/embedded-server.js";
import { applicationName } from "../../shared/postgres/application-name.js";
import { connect, endSession, withConnection } from "../../shared/postgres/connect.js";
import { endingTask, endSessions } from "../../shared/postgres/sessions.js";
import { importSnapshot, openKeeper } from "../../shared/postgres/snapshot.js";

const key = "server_keepers";
let server: EmbeddedServer;

beforeAll(async () => {
  // A server that looks for lost clients, as an administrator may have set it: keepers must outlive theirs all the same.
  server = await EmbeddedServer.start({ major: 17, settings: { client_connection_check_interval: "100ms" } });
  await server.query("create table public.event (id int)");
});
afterEach(async () => {
  await withConnection(options(endingTask), (client) => endSessions(client, { migrationKey: key }));
  await server.query("truncate public.event");
});
afterAll(async () => {
  await server.stop();
});

function options(task: string) {
  return {
    endpoint: { host: server.host, port: server.port, user: server.user, sslMode: "Prefer" as const },
    password: server.password,
    database: "postgres",
    applicationName: applicationName(key, task),
  };
}

async function rowsSeenIn(snapshot: string): Promise<number> {
  const client = await connect(options("reader"));
  try {
    await importSnapshot(client, snapshot);
    return Number((await client.query("select count(*) as rows from public.event")).rows[0]?.rows);
  } finally {
    await endSession(client);
  }
}

test("the snapshot is handed from keeper to keeper and shows the same rows after the first is gone", async () => {
  await server.query("insert into public.event select generate_series(1, 10)");
  const first = await openKeeper(options("keeper 1"), { lifeSeconds: 2, lockTimeoutSeconds: 60 });
  await server.query("insert into public.event select generate_series(11, 20)");
  const second = await openKeeper(options("keeper 2"), { predecessor: first, lifeSeconds: 4, lockTimeoutSeconds: 60 });
  await delay(2_500);
  const third = await openKeeper(options("keeper 3"), { predecessor: second, lifeSeconds: 10, lockTimeoutSeconds: 60 });
  await delay(2_500);

  await expect(rowsSeenIn(first)).rejects.toMatchObject({ code: "SnapshotLost" });
  await expect(rowsSeenIn(second)).rejects.toMatchObject({ code: "SnapshotLost" });
  expect(await rowsSeenIn(third)).toBe(10);
});

test("a keeper ends by itself when nobody relays it", async () => {
  await openKeeper(options("keeper 1"), { lifeSeconds: 1, lockTimeoutSeconds: 60 });
  await expect
    .poll(() => server.query("select from pg_stat_activity where application_name like 'migration keepers%'"), {
      timeout: 5_000,
    })
    .toHaveLength(0);
});

test("while a keeper sleeps nobody can truncate or rewrite a table, and everybody can write to it", async () => {
  await openKeeper(options("keeper 1"), { lifeSeconds: 20, lockTimeoutSeconds: 60 });
  await server.query("insert into public.event values (1); update public.event set id = 2; delete from public.event");
  await expect(server.query("set lock_timeout = '200ms'; truncate public.event")).rejects.toMatchObject({
    code: "55P03",
  });
  await expect(server.query("set lock_timeout = '200ms'; vacuum full public.event")).rejects.toThrow();
});

test("ending the migration's sessions ends its keepers, and no session of anybody else's", async () => {
  await openKeeper(options("keeper 1"), { lifeSeconds: 20, lockTimeoutSeconds: 60 });
  const other = await connect({ ...options("x"), applicationName: applicationName("server_keepers2", "keeper 1") });

  const leftOver = await Promise.all(
    [1, 2].map(() => withConnection(options(endingTask), (client) => endSessions(client, { migrationKey: key }))),
  );
  expect(leftOver).toEqual([0, 0]);

  expect(
    await server.query(
      "select application_name from pg_stat_activity where application_name like 'migration keepers%'",
    ),
  ).toHaveLength(1);
  await endSession(other);
});
