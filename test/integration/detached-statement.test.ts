import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { EmbeddedServer } from "../../local/embedded-server.js";
import { runDetached } from "../../shared/ledger/detached-statement.js";
import type { ConnectOptions } from "../../shared/postgres/connect.js";

// A build that takes two and a half seconds, whatever the machine.
const slowIndex = {
  id: "tableIndexes/1",
  object: "index public.slow_index",
  sql: "create index slow_index on public.slow (public.slowly(x))",
};

let server: EmbeddedServer;
let connection: ConnectOptions;

beforeAll(async () => {
  server = await EmbeddedServer.start({ major: 17, settings: { client_connection_check_interval: "200ms" } });
  connection = {
    endpoint: { host: server.host, port: server.port, user: server.user, sslMode: "Prefer" },
    password: server.password,
    database: "postgres",
    applicationName: "migration detached~00000000 index",
  };
  await server.query(`
    create schema _pgmig;
    create table _pgmig.statement_ledger (
      id text primary key, object text not null, instance text not null, finished_at timestamptz not null default now());
    create table builds (at timestamptz default clock_timestamp());
    create table slow as select x from generate_series(1, 25) as x;
    create function slowly(x integer) returns integer immutable language plpgsql as $$
      begin perform pg_catalog.pg_sleep(0.1); return x; end $$;`);
});
afterAll(async () => {
  await server.stop();
});
beforeEach(async () => {
  await server.query("drop index if exists slow_index; truncate _pgmig.statement_ledger, builds");
});

async function state(): Promise<{ indexes: number; ledger: number }> {
  const [row] = await server.query<{ indexes: number; ledger: number }>(`
    select (select count(*)::integer from pg_index where indrelid = 'slow'::regclass and indisvalid) as indexes,
      (select count(*)::integer from _pgmig.statement_ledger) as ledger`);
  return row ?? { indexes: -1, ledger: -1 };
}

async function buildingSessions(): Promise<number[]> {
  const rows = await server.query<{ pid: number }>(
    "select pid from pg_stat_activity where state = 'active' and query like '%create index slow_index%' and pid <> pg_backend_pid()",
  );
  return rows.map((row) => row.pid);
}

async function untilBuilding(): Promise<number> {
  for (const limit = Date.now() + 10_000; Date.now() < limit; await delay(20)) {
    const [pid] = await buildingSessions();
    if (pid !== undefined) return pid;
  }
  throw new Error("nobody builds the index");
}

test("a build that outlasts its function goes on in the server, and the next function finds it done", async () => {
  expect(await runDetached(connection, slowIndex, { deadlineMs: 500, instance: "one" })).toBe("running");
  expect(await state()).toEqual({ indexes: 0, ledger: 0 });
  expect(await buildingSessions()).toHaveLength(1);
  expect(await runDetached(connection, slowIndex, { deadlineMs: 60_000, instance: "two" })).toBe("done");
  expect(await state()).toEqual({ indexes: 1, ledger: 1 });
  const [row] = await server.query("select object, instance from _pgmig.statement_ledger");
  expect(row).toEqual({ object: slowIndex.object, instance: "one" });
});

test("a function that attaches and whose deadline passes as well leaves the build alone", async () => {
  expect(await runDetached(connection, slowIndex, { deadlineMs: 300, instance: "one" })).toBe("running");
  expect(await runDetached(connection, slowIndex, { deadlineMs: 1_200, instance: "two" })).toBe("running");
  expect(await buildingSessions()).toHaveLength(1);
  expect(await runDetached(connection, slowIndex, { deadlineMs: 60_000, instance: "three" })).toBe("done");
  expect(await state()).toEqual({ indexes: 1, ledger: 1 });
});

test("two functions at once build an index once", async () => {
  const both = ["one", "two"].map((instance) => runDetached(connection, slowIndex, { deadlineMs: 60_000, instance }));
  expect(await Promise.all(both)).toEqual(["done", "done"]);
  expect(await state()).toEqual({ indexes: 1, ledger: 1 });
});

test("two sessions that run the statement at the same instant build once: the second waits for the first's ledger row", async () => {
  const other = await server.connect();
  await other.query("begin");
  await other.query("insert into _pgmig.statement_ledger values ($1, 'index', 'other')", [slowIndex.id]);
  const waiting = runDetached(connection, slowIndex, { deadlineMs: 60_000, instance: "two" });
  await untilBuilding();
  await other.query("create index slow_index on public.slow (public.slowly(x)); commit");
  expect(await waiting).toBe("done");
  await other.end();
  expect(await state()).toEqual({ indexes: 1, ledger: 1 });
});

test("a build whose session is killed is an error for its function, and built by the next one", async () => {
  const building = runDetached(connection, slowIndex, { deadlineMs: 60_000, instance: "one" });
  const outcome = expect(building).rejects.toMatchObject({
    code: "SchemaStatementFailed",
    message: expect.stringContaining("index public.slow_index: terminating connection"),
  });
  await server.query("select pg_terminate_backend($1)", { values: [await untilBuilding()] });
  await outcome;
  expect(await state()).toEqual({ indexes: 0, ledger: 0 });
  expect(await runDetached(connection, slowIndex, { deadlineMs: 60_000, instance: "two" })).toBe("done");
  expect(await state()).toEqual({ indexes: 1, ledger: 1 });
});

test("a build that fails after its function has gone fails again, in words, for the next one", async () => {
  const failing = {
    id: "tableIndexes/2",
    object: "index public.twice",
    sql: "create unique index twice on public.slow (public.slowly(x / 2))",
  };
  expect(await runDetached(connection, failing, { deadlineMs: 300, instance: "one" })).toBe("running");
  await expect(runDetached(connection, failing, { deadlineMs: 60_000, instance: "two" })).rejects.toMatchObject({
    code: "SchemaStatementFailed",
    target: "index public.twice",
    message: expect.stringMatching(/could not create unique index "twice".*about a key \(.*\).*23505/s),
  });
  expect(await state()).toEqual({ indexes: 0, ledger: 0 });
});

test("a function that is told to stop leaves at once with the reason", async () => {
  const abort = new AbortController();
  const building = runDetached(connection, slowIndex, { deadlineMs: 60_000, instance: "one", signal: abort.signal });
  const outcome = expect(building).rejects.toThrow("cancelled by the test");
  const pid = await untilBuilding();
  const began = Date.now();
  abort.abort(new Error("cancelled by the test"));
  await outcome;
  expect(Date.now() - began).toBeLessThan(500);
  await server.query("select pg_terminate_backend($1)", { values: [pid] });
});
