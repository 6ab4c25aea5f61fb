import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stateOf } from "../../shared/validation/rule.js";
import { rule as databaseExists } from "../../shared/validation/rules/database/database-exists.js";
import { rule as largeObjects } from "../../shared/validation/rules/database/large-objects.js";
import { rule as logicalSlots } from "../../shared/validation/rules/database/logical-slots.js";
import { rule as partitionRouting } from "../../shared/validation/rules/database/partition-routing.js";
import { rule as replicaIdentity } from "../../shared/validation/rules/database/replica-identity.js";
import { rule as sequences } from "../../shared/validation/rules/database/sequences.js";
import { rule as subscriptions } from "../../shared/validation/rules/database/subscriptions.js";
import { rule as targetDatabase } from "../../shared/validation/rules/database/target-database.js";
import { rule as unloggedTables } from "../../shared/validation/rules/database/unlogged-tables.js";
import { RuleBench } from "../fixtures/rule-bench.js";

let bench: RuleBench;

beforeAll(async () => {
  bench = await RuleBench.start({ major: 12, settings: { wal_level: "logical" } }, { major: 18 });
});
afterAll(() => bench?.stop());

test("partitions that rows may leave on the target are refused online", async () => {
  const database = await bench.newDatabase();
  const partitioned = (table: string, key: string) => `
    create table ${table} (id int, c color, t text collate "C", f float8, n numeric) partition by ${key};
    create table ${table}_0 partition of ${table} ${key.startsWith("hash") ? "for values with (modulus 1, remainder 0)" : "default"};
  `;
  await bench.source.query(
    `
      create type color as enum ('red', 'green');
      ${partitioned("fine_hash", "hash (id, t, n)")}
      ${partitioned("fine_list", "list (c)")}
      ${partitioned("fine_range", "range (c, t, f)")}
    `,
    { database },
  );
  expect(await bench.check(partitionRouting, { database })).toEqual([]);
  await bench.source.query(`${partitioned("by_enum", "hash (id, c)")} ${partitioned("by_float", "hash (f)")}`, {
    database,
  });
  const [finding, ...others] = await bench.check(partitionRouting, { database });
  expect(others).toEqual([]);
  expect(finding).toMatchObject({
    state: "Failed",
    message: expect.stringMatching(
      /^2 partitioned tables .*by_enum \(hash of column c: enum values hash by their OIDs.*by_float/,
    ),
  });
});

describe("the database itself", () => {
  test("has to exist on the source", async () => {
    const [finding] = await bench.check(databaseExists, { database: "No Such" });
    expect(finding).toMatchObject({
      state: "Failed",
      message: expect.stringContaining("has no database No Such."),
    });
  });

  test("has to allow connections", async () => {
    const database = await bench.newDatabase();
    const options = { database };
    expect(await bench.check(databaseExists, options)).toEqual([]);
    await bench.source.query(`alter database "${database}" allow_connections false`);
    const [finding] = await bench.check(databaseExists, options);
    expect(finding).toMatchObject({
      state: "Failed",
      message: expect.stringContaining(`Database ${database} does not allow`),
    });
    await bench.correct(finding, "postgres");
    expect(await bench.check(databaseExists, options)).toEqual([]);
  });

  test.each([
    [
      "by the source's user",
      (name: string) => `revoke connect on database ${name} from public`,
      "cannot be entered by mover",
    ],
    ["by enough sessions", (name: string) => `alter database ${name} connection limit 2`, "admits 2 connections"],
  ])("has to be open %s", async (_what, close, words) => {
    const database = await bench.newDatabase();
    const options = { database, sourceUser: "ordinary" } as const;
    expect(await bench.check(databaseExists, options)).toEqual([]);
    await bench.source.query(close(`"${database}"`));
    const [finding] = await bench.check(databaseExists, options);
    expect(finding).toMatchObject({
      state: "Failed",
      message: expect.stringContaining(`Database ${database} ${words}`),
    });
    await bench.correct(finding, "postgres");
    expect(await bench.check(databaseExists, options)).toEqual([]);
  });

  test("must not be on the target, unless it may be replaced", async () => {
    const database = await bench.newDatabase();
    expect(await bench.check(targetDatabase, { database })).toEqual([]);
    await bench.target.query(`create database "${database}" owner mover`);
    const [finding] = await bench.check(targetDatabase, { database });
    expect(finding).toMatchObject({
      state: "Failed",
      message: expect.stringContaining(`Database ${database} is on the target`),
    });

    const [warning, ...others] = await bench.check(targetDatabase, { database, overwriteDbsInTarget: true });
    expect(warning).toMatchObject({
      state: "Warning",
      message: expect.stringMatching(/\(\d+ [kM]B\): it will be dropped/),
    });
    expect(others).toEqual([]);
    await bench.correct(warning, database);
    expect(await bench.check(targetDatabase, { database, overwriteDbsInTarget: true })).toEqual([]);

    await bench.target.query(`create database "${database}"`);
    const [again] = await bench.check(targetDatabase, { database });
    await bench.correct(again, database);
    expect(await bench.check(targetDatabase, { database })).toEqual([]);
  });

  test("can be replaced on the target only by its owner", async () => {
    const database = await bench.newDatabase();
    await bench.target.query(`create database "${database}"`);
    const findings = await bench.check(targetDatabase, { database, overwriteDbsInTarget: true });
    const failed = findings.find(({ state }) => state === "Failed");
    expect(failed?.message).toContain("does not belong to mover");
    await bench.correct(failed, database);
    expect(stateOf(await bench.check(targetDatabase, { database, overwriteDbsInTarget: true }))).toBe("Warning");
  });

  test("cannot be replaced while a subscription of the target fills it", async () => {
    const database = await bench.newDatabase();
    await bench.target.query(`create database "${database}" owner mover`);
    await bench.target.query(
      `create subscription filling connection 'dbname=nowhere' publication p with (connect = false)`,
      { database },
    );
    const findings = await bench.check(targetDatabase, { database, overwriteDbsInTarget: true });
    expect(findings.find(({ state }) => state === "Failed")?.message).toContain(
      "drop its subscriptions first: filling",
    );
    await bench.target.query("alter subscription filling set (slot_name = none); drop subscription filling", {
      database,
    });
    expect(stateOf(await bench.check(targetDatabase, { database, overwriteDbsInTarget: true }))).toBe("Warning");
  });
});

describe("what logical replication does not carry", () => {
  test("updates and deletes of tables without a replica identity", async () => {
    const { finding } = await bench.prove(replicaIdentity, {
      plant: `create table public."No Key" (id integer);
              create table public.deferred_key (id integer primary key deferrable);
              create table public.none (id integer primary key);
              alter table public.none replica identity nothing;
              create table public.whole (id integer);
              alter table public.whole replica identity full;
              create table public.by_index (id integer not null unique);
              alter table public.by_index replica identity using index by_index_id_key;
              create unlogged table public.unlogged (id integer);
              create table public.parted (id integer) partition by range (id);
              create table public.parted_1 partition of public.parted default`,
      state: "Warning",
      names: [/4 tables \(public\."No Key", public\.deferred_key, public\.none, public\.parted_1\)/],
      correctedOn: "source",
    });
    expect(finding.message).toContain(`ALTER TABLE "public"."No Key" REPLICA IDENTITY FULL;`);
  });

  test("an identity index that has been dropped is none", () =>
    bench.prove(replicaIdentity, {
      plant: `create table public.by_index (id integer not null unique);
              alter table public.by_index replica identity using index by_index_id_key;
              alter table public.by_index drop constraint by_index_id_key`,
      state: "Warning",
      names: [/Table public\.by_index:/],
      correctedOn: "source",
    }));

  test("rows that cannot be compared are not helped by REPLICA IDENTITY FULL", async () => {
    const { finding } = await bench.prove(replicaIdentity, {
      plant: `create table public.documents (doc json, spots point[], fine jsonb);
              create table public.keyed (id integer primary key, doc json);
              alter table public.keyed replica identity full`,
      state: "Warning",
      names: [/Table public\.documents with doc, spots:/],
    });
    expect(finding.message).toContain("Add a primary key");
  });

  test("sequences", () =>
    bench.prove(sequences, {
      plant: `create sequence public."Order Number"; create table public.numbered (id bigint generated always as identity)`,
      state: "Warning",
      names: [/2 sequences \(public\."Order Number", public\.numbered_id_seq\)/],
    }));

  test("large objects, and rows of unlogged tables", async () => {
    await bench.prove(largeObjects, {
      mode: "Online",
      plant: "select pg_catalog.lo_from_bytea(4711, 'x')",
      state: "Warning",
      names: [/^1 large object: .*Logical replication does not carry/],
    });
    await bench.prove(unloggedTables, {
      mode: "Online",
      plant: "create unlogged table public.fast (id integer primary key)",
      state: "Warning",
      names: [/public\.fast: .*not replicated/],
      correctedOn: "source",
    });
  });

  test("subscriptions of the source", () =>
    bench.prove(subscriptions, {
      sourceUser: "ordinary",
      plant: `create subscription "From Afar" connection 'dbname=nowhere' publication p with (connect = false, slot_name = 'x');
              alter subscription "From Afar" enable`,
      state: "Warning",
      names: [/Subscription "From Afar":/],
      correctedOn: "source",
    }));

  test("replication slots of the database, but not of others", async () => {
    const { finding } = await bench.prove(logicalSlots, {
      plant: "select pg_catalog.pg_create_logical_replication_slot('captured', 'pgoutput')",
      state: "Warning",
      names: [/Logical replication slot captured \(pgoutput, idle\):/],
      correctedOn: "source",
    });
    expect(finding.message).toContain("start anew on the target");
    await bench.plant("select pg_catalog.pg_create_logical_replication_slot('elsewhere', 'pgoutput')", "postgres");
    expect(await bench.check(logicalSlots, { database: await bench.newDatabase() })).toEqual([]);
  });
});
