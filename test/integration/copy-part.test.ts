import type pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { EmbeddedServer } from "../../local/embedded-server.js";
import { copyLargeObjects } from "../../shared/copy/copy-large-objects.js";
import { copyPart } from "../../shared/copy/copy-part.js";
import { createLedger, dropLedger } from "../../shared/ledger/ledger-schema.js";
import { type PartToCopy, readPlan, readTask } from "../../shared/ledger/parts.js";
import { splitPart } from "../../shared/ledger/split-part.js";
import { connect, endSession } from "../../shared/postgres/connect.js";
import { importSnapshot, openKeeper } from "../../shared/postgres/snapshot.js";
import { listLargeObjectRanges, serverVersion } from "../../shared/postgres/source-tables.js";
import { planTable } from "../fixtures/plan.js";

const servers: EmbeddedServer[] = [];
const clients: pg.Client[] = [];
let target: EmbeddedServer;

beforeAll(async () => {
  servers.push(
    ...(await Promise.all([
      EmbeddedServer.start({ major: 12 }),
      EmbeddedServer.start({ major: 17 }),
      EmbeddedServer.start({ major: 17 }),
    ])),
  );
  [, , target] = servers as [EmbeddedServer, EmbeddedServer, EmbeddedServer];
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
});

function options(server: EmbeddedServer) {
  return {
    endpoint: { host: server.host, port: server.port, user: server.user, sslMode: "Prefer" as const },
    password: server.password,
    database: "postgres",
    applicationName: "migration copy~00000000 test",
  };
}

async function session(server: EmbeddedServer): Promise<pg.Client> {
  const client = await connect(options(server));
  clients.push(client);
  return client;
}

beforeEach(async () => {
  const client = await connect(options(target));
  await dropLedger(client);
  await createLedger(client, "test 1");
  await client.query("drop table if exists public.item");
  await client.query(
    "create table public.item (id bigint, payload text, doubled bigint generated always as (id * 2) stored)",
  );
  await endSession(client);
  return async () => {
    await Promise.all(clients.splice(0).map(endSession));
  };
});

/** A table whose line pointers are anything but regular: rows deleted, updated, vacuumed. */
const raggedTable = [
  `
  drop table if exists public.item;
  create table public.item (id bigint, payload text, doubled bigint generated always as (id * 2) stored) with (autovacuum_enabled = false);
  insert into public.item (id, payload) select i, repeat(md5(i::text), (i % 9)::int) from generate_series(1, 40000) as i;
  delete from public.item where id % 7 = 0;
  `,
  "vacuum public.item",
  `
  update public.item set payload = payload || 'x' where id % 5 = 0;
  insert into public.item (id, payload) select i, null from generate_series(40001, 50000) as i;
  `,
];

async function makeRagged(server: EmbeddedServer): Promise<void> {
  for (const sql of raggedTable) await server.query(sql);
}

const contents =
  "select count(*)::int as rows, sum(id)::bigint as ids, sum(doubled)::bigint as doubled, md5(string_agg(id || coalesce(payload, '~'), ',' order by id)) as checksum from public.item";

async function copyAll(parts: readonly PartToCopy[], source: pg.Client, loading: pg.Client): Promise<number> {
  const sourceVersion = await serverVersion(source);
  let rows = 0;
  for (const part of parts) {
    const copied = await copyPart(part, {
      source,
      sourceVersion,
      target: loading,
      instance: "test",
      signal: new AbortController().signal,
      onBytes: () => {},
    });
    rows += copied.rows;
  }
  return rows;
}

describe.each([
  { major: 12, server: 0, partBytes: 512 * 1024, how: "a filter over the scan" },
  { major: 12, server: 0, partBytes: 64 * 1024, how: "named line pointers" },
  { major: 17, server: 1, partBytes: 64 * 1024, how: "TID range scans" },
  { major: 17, server: 1, partBytes: 1024 ** 3, how: "one part, frozen" },
])("from PostgreSQL $major, read by $how", ({ server, partBytes }) => {
  test("the parts of a table add up to the table as the snapshot shows it", async () => {
    const from = servers[server] as EmbeddedServer;
    await makeRagged(from);
    const snapshot = await openKeeper(options(from), { lifeSeconds: 60, lockTimeoutSeconds: 60 });
    const expected = (await from.query(contents))[0];
    // What happens after the snapshot is not of the copy.
    await from.query("delete from public.item where id < 1000; insert into public.item (id) values (-1)");

    const source = await session(from);
    await importSnapshot(source, snapshot);
    const loading = await session(target);
    const parts = await planTable(source, loading, "item", partBytes);
    const rows = await copyAll(parts, source, loading);

    expect(rows).toBe(expected?.rows);
    expect((await loading.query(contents)).rows[0]).toEqual(expected);
    await from.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'migration %' and query like '%pg_sleep%'",
    );
  });
});

test("a part copied twice at the same time loads its rows once", async () => {
  const from = servers[1] as EmbeddedServer;
  await makeRagged(from);
  const [first, second, loading, alsoLoading] = [
    await session(from),
    await session(from),
    await session(target),
    await session(target),
  ];
  for (const source of [first, second]) await source.query("begin isolation level repeatable read read only");
  const [part] = await planTable(first, loading, "item", 1024 ** 2);
  if (part === undefined || part.parts === 1) throw new Error("the table should have several parts");
  // A whole table is truncated before it is loaded; a range has only its ledger row to keep it from being loaded twice.

  const both = await Promise.all([copyAll([part], first, loading), copyAll([part], second, alsoLoading)]);

  const { rows } =
    (await loading.query<{ rows: number }>("select count(*)::int as rows from public.item")).rows[0] ?? {};
  expect(both).toEqual([rows, rows]);
  expect((await loading.query("select * from _pgmig.ledger")).rowCount).toBe(1);
});

test("a copy that ends before its commit leaves neither rows nor ledger row", async () => {
  const from = servers[1] as EmbeddedServer;
  await makeRagged(from);
  const [source, loading, watching] = [await session(from), await session(target), await session(target)];
  await source.query("begin isolation level repeatable read read only");
  const [part] = await planTable(source, watching, "item", 1024 ** 3);
  if (part === undefined) throw new Error("no part");
  const abort = new AbortController();

  const copy = copyPart(part, {
    source,
    sourceVersion: 170_000,
    target: loading,
    instance: "test",
    signal: abort.signal,
    onBytes: () => abort.abort(new Error("the machine is gone")),
  });
  await expect(copy).rejects.toThrow();
  loading.connection.stream.destroy();

  await expect
    .poll(
      async () =>
        (
          await watching.query(
            "select * from pg_locks where relation = 'public.item'::regclass and pid <> pg_backend_pid()",
          )
        ).rowCount,
    )
    .toBe(0);
  expect((await watching.query("select * from _pgmig.ledger")).rowCount).toBe(0);
  expect((await watching.query("select * from public.item")).rowCount).toBe(0);
});

test("large objects keep their OIDs and bytes", async () => {
  const from = servers[0] as EmbeddedServer;
  await from.query("select lo_unlink(oid) from pg_largeobject_metadata");
  await from.query(
    "select lo_from_bytea(700001, decode(repeat('00ff5c27', 700000), 'hex')), lo_from_bytea(700002, ''), lo_from_bytea(700003, 'x')",
  );
  const [source, loading] = [await session(from), await session(target)];
  await loading.query("select lo_unlink(oid) from pg_largeobject_metadata");
  const ranges = await listLargeObjectRanges(source, 2);
  expect(ranges).toEqual([
    { first: 700001, last: 700002, objects: 2 },
    { first: 700003, last: 700003, objects: 1 },
  ]);

  for (const [index, range] of ranges.entries()) {
    const part: PartToCopy = {
      id: index + 1,
      task: index + 1,
      kind: "largeObjects",
      schema: "pg_catalog",
      table: "pg_largeobject",
      columns: [],
      rowFilter: undefined,
      part: index + 1,
      parts: ranges.length,
      firstBlock: range.first,
      endBlock: range.last + 1,
      bytes: 0,
      encoding: "UTF8",
    };
    const options = {
      source,
      sourceVersion: 120_000,
      target: loading,
      instance: "test",
      signal: new AbortController().signal,
      onBytes: () => {},
      keep: async () => {
        throw new Error("a statement was not applied");
      },
    };
    await copyLargeObjects(part, options);
    await copyLargeObjects(part, options);
  }

  const objects =
    "select oid::int, length(lo_get(oid)) as bytes, md5(lo_get(oid)) as checksum from pg_largeobject_metadata order by oid";
  expect((await loading.query(objects)).rows).toEqual(await from.query(objects));
});

describe("a part that is too slow", () => {
  const cut = (loading: pg.Client, part: PartToCopy) => splitPart(loading, part, { blocks: 400, instance: "test" });
  const planned = async (loading: pg.Client) => await readTask(loading, 1);

  test.each([
    { partBytes: 1024 ** 3, how: "a whole table" },
    { partBytes: 1024 ** 2, how: "a range of blocks" },
  ])("is cut into pieces that add up to it: $how", async ({ partBytes }) => {
    const from = servers[0] as EmbeddedServer;
    await makeRagged(from);
    const [source, loading] = [await session(from), await session(target)];
    const parts = await planTable(source, loading, "item", partBytes);
    const slow = parts[0] as PartToCopy;
    await source.query("begin isolation level repeatable read read only");
    const pieces = await cut(loading, slow);
    expect(pieces).toHaveLength(8);
    expect(await planned(loading)).toEqual(pieces);
    const others = (await readPlan(loading)).filter(({ task }) => task !== 1);
    expect(others.map(({ part }) => part)).toEqual(parts.slice(1).map(({ part }) => part));
    expect(new Set([...others, ...(pieces ?? [])].map(({ part, parts: all }) => `${part} of ${all}`)).size).toBe(
      parts.length + 7,
    );
    // Who still knows the part as it was loads nothing.
    expect(await copyAll([slow], source, loading)).toBe(0);
    await copyAll(await readPlan(loading), source, loading);
    expect(await target.query(contents)).toEqual(await from.query(contents));
  });

  test("stays whole while somebody is loading it, and when somebody has", async () => {
    const from = servers[0] as EmbeddedServer;
    await makeRagged(from);
    const [source, loading, other] = [await session(from), await session(target), await session(target)];
    const [part] = await planTable(source, loading, "item", 1024 ** 3);
    if (part === undefined) throw new Error("no part");
    await other.query("begin");
    await other.query("insert into _pgmig.ledger (part_id, instance) values ($1, 'other')", [part.id]);
    expect(await cut(loading, part)).toBeUndefined();
    await other.query("commit");
    expect(await cut(loading, part)).toBeUndefined();
    expect(await planned(loading)).toEqual([part]);
  });

  test("of one block cannot be cut", async () => {
    const [source, loading] = [await session(servers[0] as EmbeddedServer), await session(target)];
    const [part] = await planTable(source, loading, "item", 1024 ** 3);
    expect(await splitPart(loading, part as PartToCopy, { blocks: 1, instance: "test" })).toEqual([]);
  });
});
