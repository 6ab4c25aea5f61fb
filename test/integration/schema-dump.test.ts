import { getEventListeners } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EmbeddedServer } from "../../local/embedded-server.js";
import { listLedgers } from "../../shared/ledger/ledger-name.js";
import { classifyStatements } from "../../shared/schema/classify-statement.js";
import { dumpSchema, type SchemaDumpOptions } from "../../shared/schema/dump-schema.js";
import { splitStatements } from "../../shared/schema/split-statements.js";
import { richSchema } from "./schema-rich-source.js";

const timeLimitMs = 60_000;
let server: EmbeddedServer;

beforeAll(async () => {
  server = await EmbeddedServer.start({ major: 12 });
  await server.query("create database rich");
  await server.query(richSchema, { database: "rich" });
  await server.query("create database locked");
  await server.query("create table held (x integer)", { database: "locked" });
});
afterAll(async () => {
  await server.stop();
});

async function dump(database: string, options: Partial<SchemaDumpOptions> = {}): Promise<string> {
  const client = await server.connect(database);
  try {
    const excludedSchemas = await listLedgers(client);
    return await dumpSchema(client, { section: "pre-data", timeLimitMs, excludedSchemas, ...options });
  } finally {
    await client.end();
  }
}

test("a dump holds the source's objects and none of ours, and parses", async () => {
  const before = await dump("rich");
  const after = await dump("rich", { section: "post-data" });
  expect(before).toContain("Dumped by pg_dump version 18");
  expect(before + after).not.toContain("_pgmig");
  const kinds = classifyStatements([...(await splitStatements(before)), ...(await splitStatements(after))]).map(
    (statement) => statement.kind,
  );
  for (const kind of ["index", "constraint", "foreignKey", "policy", "owner", "grant", "comment", "eventTrigger"]) {
    expect(kinds).toContain(kind);
  }
});

test("function bodies come as they are, even lines that look like psql's commands", async () => {
  const statements = await splitStatements(await dump("rich"));
  const listing = statements.find((statement) => statement.sql.startsWith("CREATE FUNCTION app.listing()"));
  expect(listing?.sql).toContain("\n\\restrict abc\n\n--\n-- Name: fake; Type: TABLE");
  expect(listing?.sql).toContain("\n\\unrestrict abc\n");
});

test("a dump reads from the snapshot that it is given", async () => {
  const keeper = await server.connect("rich");
  await keeper.query("begin isolation level repeatable read read only");
  const { rows } = await keeper.query<{ snapshot: string }>("select pg_export_snapshot() as snapshot");
  await server.query(
    "set session_replication_role = replica; alter event trigger forbid_ddl disable; create table app.late ()",
    {
      database: "rich",
    },
  );
  const seen = await dump("rich", { snapshot: rows[0]?.snapshot ?? "" });
  await keeper.end();
  expect(seen).not.toContain("app.late");
  expect(await dump("rich")).toContain("app.late");
  await server.query("drop table app.late; alter event trigger forbid_ddl enable", { database: "rich" });
});

test("a snapshot that is gone is an error in pg_dump's own words", async () => {
  await expect(dump("rich", { snapshot: "00000009-00000009-9" })).rejects.toMatchObject({
    code: "SchemaDumpFailed",
    message: expect.stringMatching(/invalid snapshot identifier|does not exist/),
  });
});

test("a locked table stops the dump at its limit, and neither thread nor session is left waiting", async () => {
  const holder = await server.connect("locked");
  await holder.query("begin; lock table held in access exclusive mode");
  const began = Date.now();
  await expect(dump("locked", { timeLimitMs: 1_500 })).rejects.toMatchObject({
    code: expect.stringMatching(/^SchemaDump(TimedOut|Failed)$/),
  });
  expect(Date.now() - began).toBeLessThan(5_000);
  await expectNoSessionLeft(1);
  await holder.end();
});

test("an aborted dump ends within a second with the signal's reason", async () => {
  const holder = await server.connect("locked");
  await holder.query("begin; lock table held in access exclusive mode");
  const abort = new AbortController();
  const dumping = dump("locked", { signal: abort.signal });
  const outcome = expect(dumping).rejects.toThrow("cancelled by the test");
  await delay(1_000);
  const began = Date.now();
  abort.abort(new Error("cancelled by the test"));
  await outcome;
  expect(Date.now() - began).toBeLessThan(1_000);
  expect(getEventListeners(abort.signal, "abort")).toHaveLength(0);
  await expectNoSessionLeft(1);
  await holder.end();
});

test("a server that goes away in the middle is an error, not a dump that never ends", async () => {
  const holder = await server.connect("locked");
  await holder.query("begin; lock table held in access exclusive mode");
  const dumping = dump("locked");
  const outcome = expect(dumping).rejects.toMatchObject({ code: "SchemaDumpFailed" });
  await delay(1_000);
  await holder.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'locked' and pid <> pg_backend_pid()",
  );
  await outcome;
  await holder.end();
});

test.each(["LATIN1", "SQL_ASCII", "EUC_JP"])("a %s database is dumped as UTF-8", async (encoding) => {
  const name = `enc_${encoding.toLowerCase()}`;
  await server.query(`create database ${name} encoding '${encoding}' template template0 lc_collate 'C' lc_ctype 'C'`);
  const word = encoding === "LATIN1" ? "Ærøskøbing" : encoding === "EUC_JP" ? "東京" : "any 😀 bytes";
  await server.query(`create table "${word}" (x integer default 1); comment on table "${word}" is '${word}'`, {
    database: name,
  });
  const statements = await splitStatements(await dump(name));
  expect(statements.map((statement) => statement.sql)).toContain(`COMMENT ON TABLE public."${word}" IS '${word}'`);
});

test("names of a SQL_ASCII database that are not UTF-8 are refused rather than garbled", async () => {
  await server.query("create database garbled encoding 'SQL_ASCII' template template0 lc_collate 'C' lc_ctype 'C'");
  await server.query(
    "do $$ begin execute 'create table ' || quote_ident('caf' || convert_from('\\xe9', 'SQL_ASCII')) || ' ()'; end $$",
    { database: "garbled" },
  );
  await expect(dump("garbled")).rejects.toMatchObject({
    code: "SchemaDumpFailed",
    message: expect.stringMatching(
      /pg_dump: error: query failed: ERROR: {2}invalid byte sequence for encoding "UTF8": 0xe9$/,
    ),
  });
});

async function expectNoSessionLeft(others: number): Promise<void> {
  const limit = Date.now() + 5_000;
  for (;;) {
    const rows = await server.query<{ sessions: number }>(
      "select count(*)::integer as sessions from pg_stat_activity where datname = 'locked'",
    );
    if (rows[0]?.sessions === others) return;
    if (Date.now() > limit) throw new Error(`${rows[0]?.sessions} sessions on the database instead of ${others}`);
    await delay(50);
  }
}
