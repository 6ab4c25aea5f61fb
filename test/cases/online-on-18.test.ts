/** A source of PostgreSQL 18 that is followed: what it refuses to its users, what it sends without its publications, and the slots that it takes away. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FollowedDatabase, manyOrigins, manySubscriptions, remedyIn } from "../fixtures/followed-database.js";
import { onlineMigration, openOnlineStage, replicationLeftovers } from "../fixtures/online-stage.js";
import type { Stage } from "../fixtures/stage.js";

const patience = { timeout: 240_000 };
const databases: string[] = [];

let stage: Stage;
beforeAll(async () => {
  stage = await openOnlineStage({
    source: { major: 18, settings: manySubscriptions.source },
    target: { major: 18, settings: manyOrigins },
  });
}, 120_000);
afterAll(async () => {
  await stage?.close();
});

async function follow(name: string, setup: string, properties?: Record<string, unknown>): Promise<FollowedDatabase> {
  databases.push(name);
  return await FollowedDatabase.follow(stage, name, setup, properties);
}

const generated = `
  create table post (
    id int primary key, title text, slug text generated always as (lower(title)) stored, views int default 0
  );
  alter table post replica identity full;
  insert into post (id, title) select g, 'T' || g from generate_series(1, 10) g;
  create table vt (id int primary key, a int, b int generated always as (a * 2) virtual);
  alter table vt replica identity full;
  insert into vt values (1, 1);
  create table gk (a int not null, k text not null generated always as ('k' || a) stored primary key, v int);
  insert into gk (a, v) values (1, 1), (2, 2);
  create table plain (id int primary key, a int, b int generated always as (a * 2) stored, c int generated always as (a * 3) virtual);
  insert into plain (id, a) values (1, 1), (2, 2);
`;

describe.concurrent("a source of PostgreSQL 18", () => {
  test(
    "goes on taking updates of tables with generated columns, and they arrive where a plain key identifies the rows",
    patience,
    async () => {
      const database = await follow("gencol", generated, { migrationOption: "ValidateAndMigrate" });
      await database.onSource("update post set views = views + 1 where id = 1; delete from post where id = 2");
      await database.onSource("update vt set a = 5; update gk set v = 9 where a = 1; delete from gk where a = 2");
      await database.onSource("update plain set a = 7 where id = 1; delete from plain where id = 2");
      const message = await database.message(/only inserts and TRUNCATE of a table are replicated: .*gk.*post.*vt/);
      expect(message).not.toContain("plain");
      const url = `${stage.client.url("gencol")}/validations?api-version=2025-08-01`;
      const validations = await (await fetch(url)).text();
      expect(validations).toMatch(/replica identity has generated columns/);
      expect((await database.trigger()).status).toBe(200);
      expect(await database.end()).toMatchObject({ state: "Succeeded" });
      expect(await database.onTarget("select id, a, b, c from plain")).toEqual([{ id: 1, a: 7, b: 14, c: 21 }]);
    },
  );

  test("has its tables' every change replicated when validation's remedy was followed", patience, async () => {
    const database = await FollowedDatabase.create(stage, "gencol_mended", generated);
    databases.push("gencol_mended");
    await stage.client.start("check", onlineMigration(stage, ["gencol_mended"], { migrationOption: "Validate" }));
    await stage.client.waitForEnd("check");
    const validations = await (await fetch(`${stage.client.url("check")}/validations?api-version=2025-08-01`)).text();
    const remedy = remedyIn(
      validations,
      /generated columns, which are not.*?Run on the source: (ALTER TABLE [^\]}]*?;)"/,
    );
    await database.onSource(remedy.replaceAll("\\", ""));
    await stage.client.start("gencol-mended", onlineMigration(stage, ["gencol_mended"]));
    await stage.client.waitForSubstate("gencol-mended", "WaitingForCutoverTrigger", 150);
    await database.onSource(
      "update post set views = 3, title = 'New' where id = 1; delete from post where id = 2; update vt set a = 5",
    );
    expect((await database.trigger()).status).toBe(200);
    expect(await database.end()).toMatchObject({ state: "Succeeded" });
    const rows = "select * from post order by id";
    expect(await database.onTarget(rows)).toEqual(await database.onSource(rows));
    expect(await database.onTarget("select * from vt")).toEqual([{ id: 1, a: 5, b: 10 }]);
  });

  test("that has lost its publications sends nothing more: the migration fails with just that", patience, async () => {
    const database = await follow(
      "dropped",
      "create table t (id int primary key, v text); insert into t select g, 'old' from generate_series(1, 10) g",
    );
    const publications = await database.onSource(
      "select format('drop publication %I', pubname) as drop from pg_publication",
    );
    await database.onSource(publications.map((row) => row.drop).join("; "));
    await database.onSource("update t set v = 'new'");
    const { state, error } = await database.end();
    expect(state).toBe("Failed");
    expect(error).toMatch(/Somebody has dropped publication pgmig_dropped_.*changes are missing since then/);
  });

  test(
    "whose publication of the migration's loses a table, or is made again, fails the migration too",
    patience,
    async () => {
      const [one, two] = await Promise.all([
        follow("taken_out", "create table t (id int primary key); create table u (id int primary key)"),
        follow("made_again", "create table t (id int primary key)"),
      ]);
      const ours = "select pubname as name from pg_publication where pubname ~ '^pgmig_.*_1$'";
      const [first] = await one.onSource(ours);
      await one.onSource(`alter publication ${first?.name} drop table t`);
      const [second] = await two.onSource(ours);
      await two.onSource(`drop publication ${second?.name}; create publication ${second?.name} for table t`);
      expect((await one.end()).error).toMatch(/taken table public\.t out of the migration's publications/);
      expect((await two.end()).error).toMatch(/Somebody has dropped publication/);
    },
  );
});

test(
  "a slot that the source takes away for being idle is told by that setting's name, and foreseen",
  patience,
  async () => {
    databases.push("idle_slot");
    const database = await FollowedDatabase.create(
      stage,
      "idle_slot",
      "create table t (id int primary key, v text); insert into t select g, repeat(md5(g::text), 12) from generate_series(1, 200000) g",
    );
    await stage.source.query("alter system set idle_replication_slot_timeout = '1s'");
    await stage.source.query("select pg_reload_conf()");
    const checkpoints = setInterval(() => void stage.source.query("checkpoint").catch(() => {}), 500);
    try {
      await stage.client.start(
        "idle-slot",
        onlineMigration(stage, ["idle_slot"], { migrationOption: "ValidateAndMigrate" }),
      );
      const { state, error } = await database.end();
      expect(state).toBe("Failed");
      expect(error).toMatch(/invalidated replication slot .*idle_replication_slot_timeout/);
    } finally {
      clearInterval(checkpoints);
      await stage.source.query("alter system reset idle_replication_slot_timeout");
      await stage.source.query("select pg_reload_conf()");
    }
    const validations = await (
      await fetch(`${stage.client.url("idle-slot")}/validations?api-version=2025-08-01`)
    ).text();
    expect(validations).toMatch(/idle_replication_slot_timeout of the source is 1s/);
    expect(validations).toContain("ALTER SYSTEM SET idle_replication_slot_timeout = '0';");
  },
);

test("nothing of them is left on either server", async () => {
  expect(await replicationLeftovers(stage, databases)).toEqual([]);
});
