import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { EmbeddedServer } from "../../local/embedded-server.js";
import { applicationName } from "../../shared/postgres/application-name.js";
import { connect, endSession, withConnection } from "../../shared/postgres/connect.js";
import { hasExclusiveLocks, listLockWaiters } from "../../shared/postgres/lock-waiters.js";
import { endingTask, endSessions } from "../../shared/postgres/sessions.js";
import { importSnapshot, isSnapshotHeld, openKeeper } from "../../shared/postgres/snapshot.js";
import { serverVersion } from "../../shared/postgres/source-tables.js";

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

test("a snapshot that a session still reads from is held for nobody else once its keeper is gone", async () => {
  const snapshot = await openKeeper(options("keeper 1"), { lifeSeconds: 20, lockTimeoutSeconds: 5 });
  const [reader, asking] = [await connect(options("reader")), await connect(options("asking"))];
  try {
    expect(await isSnapshotHeld(asking, snapshot)).toBe(true);
    await importSnapshot(reader, snapshot);
    await server.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name like '%keeper 1'",
    );
    await expect.poll(() => isSnapshotHeld(asking, snapshot)).toBe(false);
    expect((await reader.query("select count(*) from public.event")).rowCount).toBe(1);
  } finally {
    await Promise.all([endSession(reader), endSession(asking)]);
  }
});

test("a keeper that meets somebody's lock gives up soon, and holds nothing then", async () => {
  const other = await connect(options("somebody else's"));
  await other.query("begin; lock table public.event in access exclusive mode");
  try {
    await expect(openKeeper(options("keeper 1"), { lifeSeconds: 20, lockTimeoutSeconds: 0.2 })).rejects.toMatchObject({
      code: "TableLocked",
      message: expect.stringMatching(/within 0\.2 s.*pg_locks/),
    });
  } finally {
    await endSession(other);
  }
});

test("who waits for a table that a keeper holds is listed, with the statement and who else waits", async () => {
  await openKeeper(options("keeper 1"), { lifeSeconds: 20, lockTimeoutSeconds: 5 });
  const [asking, waiter, reader] = [
    await connect(options("asking")),
    await server.connect("postgres"),
    await server.connect("postgres"),
  ];
  try {
    const version = await serverVersion(asking);
    expect(await listLockWaiters(asking, { migrationKey: key, version })).toEqual([]);
    expect(await hasExclusiveLocks(asking, key)).toBe(false);
    const truncated = waiter.query("truncate public.event");
    const waiting = () => listLockWaiters(asking, { migrationKey: key, version });
    await expect.poll(waiting).toHaveLength(1);
    const read = reader.query("select from public.event");
    await expect
      .poll(waiting)
      .toMatchObject([{ statement: "truncate public.event", relation: "public.event", behind: 1 }]);
    expect(await listLockWaiters(asking, { migrationKey: "server_another", version })).toEqual([]);
    expect(await hasExclusiveLocks(asking, key)).toBe(true);
    // Before 14 no server tells since when.
    expect(await listLockWaiters(asking, { migrationKey: key, version: 120_000 })).toMatchObject([
      { seconds: undefined },
    ]);
    await withConnection(options(endingTask), (client) => endSessions(client, { migrationKey: key }));
    await Promise.all([truncated, read]);
  } finally {
    await Promise.all([endSession(asking), waiter.end(), reader.end()]);
  }
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
