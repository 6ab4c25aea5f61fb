/** What becomes of tables, sequences and transactions on the source while the target follows it: told in time, and never a surprise at the cutover. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FollowedDatabase, manyOrigins, manySubscriptions, remedyIn } from "../fixtures/followed-database.js";
import { openOnlineStage, replicationLeftovers, whenDatabase } from "../fixtures/online-stage.js";
import type { Stage } from "../fixtures/stage.js";

const patience = { timeout: 240_000 };
const databases: string[] = [];

let stage: Stage;
beforeAll(async () => {
  stage = await openOnlineStage({
    source: { major: 17, settings: manySubscriptions.source },
    target: { major: 18, settings: manyOrigins },
    service: { settings: { CUTOVER_TRANSACTION_LIMIT_SECONDS: "15" } },
  });
}, 120_000);
afterAll(async () => {
  await stage?.close();
});

/** Followed until it waits for its cutover. */
async function follow(name: string, setup: string): Promise<FollowedDatabase> {
  databases.push(name);
  return await FollowedDatabase.follow(stage, name, setup);
}

describe.concurrent("while the target follows", () => {
  test("tables that swap their names are told, and no cutover takes one for the other", patience, async () => {
    const swap = await follow(
      "swap",
      `
        create table t (id int primary key, v text); insert into t select g, 'old' from generate_series(1, 100) g;
        create table t_new (id int primary key, v text); insert into t_new select g, 'NEW' from generate_series(1, 100) g;
      `,
    );
    await swap.onSource(
      "begin; alter table t rename to t_tmp; alter table t_new rename to t; alter table t_tmp rename to t_new; commit",
    );
    await swap.onSource("insert into t values (101, 'after'); insert into t_new values (101, 'x')");
    await swap.message(/Renamed since the migration began: .*public\.t/);
    const refused = await swap.trigger();
    expect(refused.status).toBe(409);
    expect(refused.text).toContain("CutoverHindered");
    await stage.client.cancel("swap");
    expect((await swap.end()).state).toBe("Canceled");
  });

  test("tables that were renamed can be renamed on the target too, as the message says", patience, async () => {
    const renamed = await follow(
      "renamed",
      `
        create table t (id int primary key, v text); insert into t select g, 'old' from generate_series(1, 100) g;
        create table t_new (id int primary key, v text); insert into t_new select g, 'NEW' from generate_series(1, 90) g;
      `,
    );
    await renamed.onSource("begin; alter table t rename to t_old; alter table t_new rename to t; commit");
    const message = await renamed.message(/run there: BEGIN;/);
    await renamed.onTarget(remedyIn(message, /run there: (BEGIN;.*COMMIT;)/));
    await renamed.onSource("insert into t values (500, 'after'); insert into t_old values (501, 'after')");
    await renamed.silence(/Renamed/);
    expect((await renamed.trigger()).status).toBe(200);
    expect((await renamed.end()).state).toBe("Succeeded");
    expect(await stage.differences("renamed")).toEqual([]);
  });

  test("a table that is replaced by a new one is told, and a forced cutover says so", patience, async () => {
    const replaced = await follow(
      "replaced",
      "create table t (id int primary key); insert into t values (1); create table u (id int primary key); create table v (id int primary key)",
    );
    await replaced.onSource(
      "begin; drop table t; create table t (id int primary key); insert into t values (2); commit; drop table v",
    );
    await replaced.message(/Replaced on the source.*public\.t/);
    await replaced.message(/Table public\.v was dropped on the source/);
    expect((await replaced.trigger()).status).toBe(409);
    expect((await replaced.trigger({ forceCutover: "True" })).status).toBe(200);
    const { state, message } = await replaced.end();
    expect(state).toBe("Succeeded");
    expect(message).toMatch(/Replaced on the source.*public\.t/);
  });

  test("sequences made or bounded otherwise keep no cutover from its end", patience, async () => {
    const sequences = await follow(
      "sequences",
      `
        create table t (id serial primary key, v text); insert into t (v) values ('a');
        create sequence s2 maxvalue 100;
        create sequence s3;
      `,
    );
    await sequences.onSource(`
        create table t2 (id serial primary key, v text); insert into t2 (v) values ('x');
        insert into t (v) values ('b');
        alter sequence s2 maxvalue 100000; select setval('s2', 5000);
        alter sequence s3 rename to s4; select setval('s4', 77);
        create sequence s5 as smallint increment 3; select setval('s5', 31);
      `);
    await sequences.message(/Sequence public\.t2_id_seq was created/);
    expect((await sequences.trigger()).status).toBe(200);
    const { state, message } = await sequences.end();
    expect(state).toBe("Succeeded");
    expect(
      await sequences.onTarget("select nextval('t_id_seq') as t, nextval('s2') as s2, nextval('s3') as s3"),
    ).toEqual([{ t: "3", s2: "5001", s3: "78" }]);
    expect(message).toMatch(/Sequence public\.s3 was renamed on the source/);
    await sequences.onTarget(remedyIn(message, /(CREATE SEQUENCE "public"\."s5" [^;]*; SELECT [^;]*;)/));
    expect(
      await sequences.onTarget(
        "select nextval('s5')::text as s5, seqmax::text as max from pg_sequence where seqrelid = 's5'::regclass",
      ),
    ).toEqual([{ s5: "34", max: "32767" }]);
  });

  test("a table without a key is not judged by rows that could not be replicated", patience, async () => {
    const keyless = await follow(
      "keyless",
      "create table nk (a int, b text); insert into nk select g, 'x' from generate_series(1, 10) g; create table t (id int primary key)",
    );
    await keyless.onSource("delete from nk where a < 4; insert into nk values (100, 'new')");
    await keyless.message(/were updated or deleted on the source/);
    expect((await keyless.trigger()).status).toBe(200);
    const { state, message } = await keyless.end();
    expect(state).toBe("Succeeded");
    expect(message).toMatch(
      /"nk".* differs on both sides, for its updates and deletes could not be replicated.*8 rows and the target 11/,
    );
  });

  test("a key that is dropped is told as long as the source refuses updates", patience, async () => {
    const unkeyed = await follow(
      "unkeyed",
      "create table t (id int primary key, v text); insert into t values (1, 'a')",
    );
    await unkeyed.onSource("alter table t drop constraint t_pkey");
    await expect(unkeyed.onSource("update t set v = 'b'")).rejects.toThrow(/replica identity/);
    const message = await unkeyed.message(/The source refuses updates and deletes of table public\.t/);
    await unkeyed.onSource(remedyIn(message, /run on the source: (ALTER TABLE [^;]*;)/));
    await unkeyed.onSource("update t set v = 'b'");
    await unkeyed.silence(/refuses updates/);
    expect((await unkeyed.trigger()).status).toBe(200);
    expect((await unkeyed.end()).state).toBe("Succeeded");
    expect(await unkeyed.onTarget("select v from t")).toEqual([{ v: "b" }]);
  });

  test("a cutover that stands still is refused, and succeeds when the cause is gone", patience, async () => {
    const stuck = await follow("stuck", "create table t (id int primary key, v text); insert into t values (1, 'a')");
    await stuck.onTarget("insert into t values (5, 'in the way')");
    await stuck.onSource("insert into t values (5, 'wanted')");
    await stuck.message(/duplicate key value violates unique constraint "t_pkey"/);
    await stuck.hindrance(/./);
    const refused = await stuck.trigger();
    expect(refused.status).toBe(409);
    expect(refused.text).toMatch(/does not get on.*|duplicate key/);
    await stuck.onTarget("delete from t where id = 5");
    await stuck.silence();
    expect((await stuck.trigger()).status).toBe(200);
    expect((await stuck.end()).state).toBe("Succeeded");
    expect(await stage.differences("stuck")).toEqual([]);
  });
});

// One at a time: another migration's slot waits for transactions that are open.
describe("a cutover", () => {
  test("transactions that are open or prepared are waited for, and named", patience, async () => {
    const prepared = await follow(
      "prepared",
      "create table t (id int primary key, v text); insert into t values (1, 'a')",
    );
    await prepared.onSource("begin; insert into t values (3, 'c'); prepare transaction 'px2'");
    expect((await prepared.trigger()).status).toBe(200);
    await prepared.failedCutover(/prepared transaction px2 .*COMMIT PREPARED 'px2'/);
    // Everything is in place: it goes on following.
    await prepared.onSource("insert into t values (4, 'd')");
    await prepared.onSource("commit prepared 'px2'");
    const writer = await stage.source.connect("prepared");
    await writer.query("begin; insert into t values (2, 'held')");
    await stage.client.waitFor(
      "prepared",
      whenDatabase("prepared", ({ latency }) => latency === 0),
    );
    expect((await prepared.trigger()).status).toBe(200);
    try {
      await prepared.message(/waits for transactions on the source: session \d+/);
      await writer.query("commit");
    } finally {
      await writer.end();
    }
    expect((await prepared.end()).state).toBe("Succeeded");
    expect(await stage.differences("prepared")).toEqual([]);
    expect(await prepared.onTarget("select id from t order by id")).toEqual([1, 2, 3, 4].map((id) => ({ id })));
  });

  test("a forced cutover does not wait for a transaction, and says what is missing", patience, async () => {
    const forced = await follow("forced", "create table t (id int primary key)");
    await forced.onSource("begin; insert into t values (3); prepare transaction 'px3'");
    expect((await forced.trigger({ forceCutover: "True" })).status).toBe(200);
    const { state, message } = await forced.end();
    await forced.onSource("commit prepared 'px3'");
    expect(state).toBe("Succeeded");
    expect(message).toMatch(/did not wait for transactions.*px3/);
  });
});

test("nothing of them is left on either server", async () => {
  expect(await replicationLeftovers(stage, databases)).toEqual([]);
});
