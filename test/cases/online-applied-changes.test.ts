/** What meets the changes that a subscription applies: triggers, publications and event triggers of the user's, time-outs, passwords, transactions of any size. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { offlineMigration } from "../../local/migration-client.js";
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
  });
}, 120_000);
afterAll(async () => {
  await stage?.close();
});

async function follow(name: string, setup: string, properties?: Record<string, unknown>): Promise<FollowedDatabase> {
  databases.push(name);
  return await FollowedDatabase.follow(stage, name, setup, properties);
}

const published = `
  create table post (
    id int primary key, title text, slug text generated always as (lower(title)) stored, views int default 0
  );
  alter table post replica identity full;
  insert into post (id, title) values (1, 'A'), (2, 'B');
  create publication dbz for all tables;
`;

describe.concurrent("changes that are applied", () => {
  test.each(["replica", "always"])("fire no trigger that is ENABLE %s before the cutover", patience, async (state) => {
    const database = await follow(
      `triggers_${state}`,
      `
        create table t (id serial primary key, v text);
        create table audit (id serial primary key, what text);
        create function a() returns trigger language plpgsql as $$
          begin insert into public.audit (what) values (tg_op || ' ' || new.v); return new; end
        $$;
        create trigger tr after insert or update on t for each row execute function a();
        alter table t enable ${state} trigger tr;
        insert into t (v) values ('a'), ('b');
      `,
    );
    await database.onSource("insert into t (v) values ('c'), ('d')");
    await database.silence();
    expect((await database.trigger()).status).toBe(200);
    expect(await database.end()).toMatchObject({ state: "Succeeded" });
    expect(await stage.differences(database.name)).toEqual([]);
    const enabled = "select tgenabled from pg_trigger where not tgisinternal";
    expect(await database.onTarget(enabled)).toEqual(await database.onSource(enabled));
  });

  test(
    "are not refused for a publication of the user's, which publishes again after the cutover",
    patience,
    async () => {
      const database = await follow("published", published);
      await database.onSource("update post set views = 5 where id = 1");
      await stage.client.waitFor(
        "published",
        whenDatabase("published", ({ latency }) => latency === 0),
      );
      expect((await database.trigger()).status).toBe(200);
      expect(await database.end()).toMatchObject({ state: "Succeeded" });
      expect(await database.onTarget("select views from post order by id")).toEqual([{ views: 5 }, { views: 0 }]);
      const publishes = "select puballtables, pubinsert, pubupdate, pubdelete, pubtruncate from pg_publication";
      expect(await database.onTarget(publishes)).toEqual(await database.onSource(publishes));
    },
  );

  test(
    "of a source that the target would refuse to publish are told by validation, with what mends it",
    patience,
    async () => {
      const database = await FollowedDatabase.create(stage, "published_offline", published);
      await stage.client.start(
        "published-offline",
        offlineMigration(stage.source, stage.target, ["published_offline"], { migrationOption: "ValidateAndMigrate" }),
      );
      expect((await database.end()).state).toBe("Succeeded");
      const { body } = await fetchJson(`${stage.client.url("published-offline")}/validations?api-version=2025-08-01`);
      const found = JSON.stringify(body);
      expect(found).toContain("published-generated-columns");
      await expect(database.onTarget("update post set views = 6 where id = 2")).rejects.toThrow(/cannot update table/);
      await database.onTarget(remedyIn(found, /Run on the target: (ALTER PUBLICATION [^;]*;)/).replaceAll("\\", ""));
      await database.onTarget("update post set views = 6 where id = 2");
    },
  );

  test("meet no row of the migration's own in the log of an event trigger", patience, async () => {
    const setup = `
      create table ddl_log (id serial primary key, at timestamptz default clock_timestamp(), tag text, who text);
      create function log_ddl() returns event_trigger language plpgsql as $$
        begin insert into public.ddl_log (tag, who) values (tg_tag, current_user); end
      $$;
      create table t (id serial primary key, v text); insert into t (v) select 'r' || g from generate_series(1, 20) g;
      create materialized view mv as select count(*) c from t;
      create event trigger audit_ddl on ddl_command_end execute function log_ddl();
    `;
    const database = await follow("ddl_log", setup);
    await database.onSource("insert into t (v) values ('live'); create index on t (v)");
    await database.silence();
    expect((await database.trigger()).status).toBe(200);
    expect(await database.end()).toMatchObject({ state: "Succeeded" });
    const log = "select tag from ddl_log order by id";
    expect(await database.onSource(log)).toEqual([{ tag: "CREATE INDEX" }]);
    expect(await database.onTarget(log)).toEqual([{ tag: "CREATE INDEX" }]);
  });

  test("arrive whatever time-outs the database, the roles and their sessions have", patience, async () => {
    const database = await follow(
      "timeouts",
      `
        create table t (id int primary key, v text); insert into t values (0, 'x');
        alter database timeouts set transaction_timeout = '1s';
        alter database timeouts set statement_timeout = '1s';
      `,
    );
    // The subscription logs in as a role of its own: no user's password is in the target's catalogue.
    const [walsender] = await database.onSource(
      "select usename::text as user from pg_stat_replication where usename ~ '^pgmig_timeouts'",
    );
    expect(walsender?.user).toMatch(/^pgmig_timeouts_/);
    const [subscription] = await database.onTarget(
      "select subconninfo as connection from pg_subscription where subname ~ '^pgmig_timeouts'",
    );
    expect(subscription?.connection).not.toContain(stage.source.password);
    await database.onSource(
      "set transaction_timeout = 0; set statement_timeout = 0; insert into t select g, repeat('x', 300) from generate_series(1, 400000) g",
    );
    await stage.client
      .waitFor(
        "timeouts",
        whenDatabase("timeouts", ({ latency }) => latency > 0),
      )
      .catch(() => {});
    await stage.client.waitFor(
      "timeouts",
      whenDatabase("timeouts", ({ latency }) => latency === 0),
      { limitSeconds: 120 },
    );
    expect((await database.trigger()).status).toBe(200);
    expect(await database.end()).toMatchObject({ state: "Succeeded" });
    expect(await database.onTarget("select count(*)::int as rows from t")).toEqual([{ rows: 400_001 }]);
  });

  test(
    "that conflict are explained in the server's words, in a transaction of any size, and truncates too",
    patience,
    async () => {
      const database = await follow(
        "explained",
        "create table t (id int primary key, v text); create table u (id int primary key)",
      );
      await database.onTarget("insert into t values (1, 'mine')");
      await database.onSource("insert into t select g, repeat('x', 200) from generate_series(1, 600000) g");
      await database.message(/insert on public\.t: duplicate key value violates unique constraint "t_pkey"/);
      await database.onTarget("delete from t where id = 1");
      await database.silence();
      await database.onTarget("create table w (id int references u)");
      await database.onSource("truncate u");
      await database.message(/truncate on public\.u: cannot truncate a table referenced in a foreign key constraint/);
      await database.onTarget("drop table w");
      await database.silence();
      expect((await database.trigger()).status).toBe(200);
      expect(await database.end()).toMatchObject({ state: "Succeeded" });
    },
  );
});

describe.concurrent("an offline migration", () => {
  test("ends well when a table with a sequence is made while it copies, and says so", patience, async () => {
    const database = await FollowedDatabase.create(
      stage,
      "made_meanwhile",
      "create table t (id serial primary key, v text); insert into t (v) select repeat('x', 500) from generate_series(1, 100000)",
    );
    await stage.client.start("made-meanwhile", offlineMigration(stage.source, stage.target, ["made_meanwhile"]));
    await stage.client.waitFor("made-meanwhile", ({ properties }) => {
      const details = properties.currentStatus.currentSubStateDetails?.dbDetails?.made_meanwhile;
      return (details?.fullLoadLoadingTables ?? 0) + (details?.fullLoadCompletedTables ?? 0) > 0;
    });
    await database.onSource("create table later (id serial primary key)");
    const { state, message } = await database.end();
    expect(state).toBe("Succeeded");
    expect(message).toMatch(/Sequence public\.later_id_seq was created on the source/);
    expect(await database.onTarget("select nextval('t_id_seq')::int as next")).toEqual([{ next: 100_001 }]);
  });

  test("drops its own schema where an event trigger forbids DDL", patience, async () => {
    const database = await FollowedDatabase.create(
      stage,
      "frozen",
      `
        create table t (id serial primary key, v text); insert into t (v) values ('a');
        create function no_ddl() returns event_trigger language plpgsql as $$
          begin raise exception 'DDL is frozen (%)', tg_tag; end
        $$;
        create event trigger freeze_ddl on ddl_command_start execute function no_ddl();
      `,
    );
    await stage.client.start("frozen", offlineMigration(stage.source, stage.target, ["frozen"]));
    expect(await database.end()).toMatchObject({ state: "Succeeded", message: "" });
    expect(await database.onTarget("select nspname from pg_namespace where nspname like '%pgmig%'")).toEqual([]);
    await expect(database.onTarget("create table x ()")).rejects.toThrow(/DDL is frozen/);
  });
});

test("an online migration leaves a source alone whose event trigger forbids DDL", patience, async () => {
  const database = await follow(
    "frozen_online",
    `
      create table t (id serial primary key, v text); insert into t (v) values ('a');
      create function no_ddl() returns event_trigger language plpgsql as $$
        begin raise exception 'DDL is frozen (%)', tg_tag; end
      $$;
      create event trigger freeze_ddl on ddl_command_start execute function no_ddl();
    `,
  );
  await database.onSource("insert into t (v) values ('b')");
  expect((await database.trigger()).status).toBe(200);
  expect(await database.end()).toMatchObject({ state: "Succeeded" });
  expect(await stage.differences("frozen_online")).toEqual([]);
});

test("changes go on with a new password of the source's user as soon as it is PATCHed", patience, async () => {
  // No superuser: the subscription has to log in as the user himself.
  await stage.source.query("create role rot login replication password 'old-pass'");
  const secretParameters = {
    adminCredentials: { sourceServerPassword: "old-pass", targetServerPassword: stage.target.password },
    sourceServerUsername: "rot",
    targetServerUsername: stage.target.user,
  };
  const database = await follow(
    "rotate",
    `
      create table t (id serial primary key, v text); insert into t (v) values ('a');
      alter table t owner to rot;
      grant create on database rotate to rot;
    `,
    {
      sourceDbServerResourceId: `${stage.source.host}:${stage.source.port}@rot`,
      secretParameters,
    },
  );
  await database.onSource(`
    alter role rot password 'new-pass';
    select pg_terminate_backend(pid) from pg_stat_replication where application_name like 'pgmig_rotate%';
    insert into t (v) values ('after');
  `);
  await database.message(/does not answer/);
  await database.message(/password of rot on the source stands in the target's pg_subscription/);
  const { status } = await stage.client.patch("rotate", {
    secretParameters: { adminCredentials: { sourceServerPassword: "new-pass" } },
  });
  expect(status).toBe(200);
  await database.silence(/does not (answer|get on)/);
  await stage.client.waitFor(
    "rotate",
    whenDatabase("rotate", ({ latency }) => latency === 0),
  );
  expect(await database.onTarget("select v from t order by id")).toEqual([{ v: "a" }, { v: "after" }]);
  expect((await database.trigger()).status).toBe(200);
  expect(await database.end()).toMatchObject({ state: "Succeeded" });
});

test("nothing of them is left on either server", async () => {
  expect(await replicationLeftovers(stage, databases)).toEqual([]);
});

async function fetchJson(url: string): Promise<{ body: unknown }> {
  return { body: await (await fetch(url)).json() };
}
