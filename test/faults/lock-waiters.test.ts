/** What waits for a table of the source during the base copy: the copy gives way, says to whom, and starts over. */
import type pg from "pg";
import { expect, test } from "vitest";
import { offlineMigration } from "../../local/migration-client.js";
import { cutOverAndCompare, onlineMigration, openOnlineStage } from "../fixtures/online-stage.js";
import { Stage } from "../fixtures/stage.js";
import { ThrottledProxy } from "../fixtures/throttled-proxy.js";

const patience = { timeout: 240_000 };
const settings = { LOCK_WAITERS_LIMIT_SECONDS: "3", PART_SIZE_MB: "1" };

/** More than the wire carries in the test's time when it is slow; a table that is in the way; one that an application reads. */
const setup = `
  create table big (id int primary key, body text);
  insert into big select n, repeat(md5(n::text), 30) from generate_series(1, 20000) as n;
  create table staging (id int primary key, note text);
  insert into staging select n, 'note ' || n from generate_series(1, 1000) as n;
`;

async function seed(stage: Stage): Promise<void> {
  await stage.source.query("create database shop");
  await stage.source.query(setup, { database: "shop" });
}

/** Waits until the copy's keeper has the table, and the copy is held up by the wire. */
async function untilCopying(stage: Stage, name: string): Promise<void> {
  await stage.client.waitFor(name, ({ properties }) => {
    const details = properties.currentStatus.currentSubStateDetails?.dbDetails?.shop;
    return (details?.fullLoadLoadingTables ?? 0) > 0;
  });
}

/** Waits until the copy holds the tables, and hardly anything has been read. */
async function untilKept(stage: Stage): Promise<void> {
  const keepers = "select from pg_stat_activity where application_name like '%keeper%' and query like '%pg_sleep%'";
  await expect.poll(() => stage.source.query(keepers), { timeout: 60_000 }).toHaveLength(1);
}

/** What an application does while `statement` waits: reads the same table, and must not stand still for longer than somebody in a queue would bear. */
async function readBehind(
  stage: Stage,
  statement: string,
): Promise<{ waiter: pg.Client; done: Promise<unknown>; read: Promise<number> }> {
  const waiter = await stage.source.connect("shop");
  await waiter.query("set application_name = 'nightly job'");
  const done = waiter.query(statement);
  await expect
    .poll(
      () =>
        stage.source.query(
          "select from pg_stat_activity where application_name = 'nightly job' and wait_event_type = 'Lock'",
        ),
      { timeout: 20_000 },
    )
    .toHaveLength(1);
  const reader = await stage.source.connect("shop");
  const read = reader.query("select count(*)::int as rows from staging").then(async ({ rows }) => {
    await reader.end();
    return rows[0].rows as number;
  });
  return { waiter, done, read };
}

test(
  "an ALTER TABLE that waits during an offline copy gets its table, and the copy starts over with the altered table",
  patience,
  async () => {
    const stage = await Stage.open({ source: { major: 17 }, target: { major: 18 }, service: { settings } });
    const wire = await ThrottledProxy.start(stage.source);
    try {
      await seed(stage);
      wire.limit(400_000);
      const source = {
        ...stage.source,
        host: wire.host,
        port: wire.port,
        user: stage.source.user,
        password: stage.source.password,
      };
      await stage.client.start("alter", offlineMigration(source, stage.target, ["shop"]));
      await untilCopying(stage, "alter");
      const { waiter, done, read } = await readBehind(stage, "alter table staging add column added int default 7");
      await done;
      expect(await read).toBe(1_000);
      await waiter.end();
      wire.limit(Number.POSITIVE_INFINITY);
      const end = await stage.client.waitForEnd("alter", { limitSeconds: 120 });
      expect(end.properties.currentStatus).toMatchObject({ state: "Succeeded" });
      const message = end.properties.currentStatus.currentSubStateDetails?.dbDetails?.shop?.message ?? "";
      expect(message).toMatch(
        /Copy number 1 gave way\. .*session \d+ of postgres \(nightly job\) had waited \d+ s for public\.staging, .*"alter table staging add column added int default 7", and 1 more session behind it/,
      );
      expect(await stage.differences("shop")).toEqual([]);
      expect(await stage.target.query("select sum(added)::int as added from staging", { database: "shop" })).toEqual([
        { added: 7_000 },
      ]);
      expect(await stage.sessions()).toEqual([]);
    } finally {
      await wire.stop();
      await stage.close();
    }
  },
);

test(
  "a TRUNCATE that waits during an online copy gets its table, and everything that follows arrives",
  patience,
  async () => {
    const stage = await openOnlineStage({ service: { settings } });
    const wire = await ThrottledProxy.start(stage.source);
    try {
      await seed(stage);
      wire.limit(400_000);
      await stage.client.start(
        "truncate",
        onlineMigration(stage, ["shop"], { sourceDbServerFullyQualifiedDomainName: `${wire.host}:${wire.port}` }),
      );
      await untilKept(stage);
      const { waiter, done, read } = await readBehind(stage, "truncate staging");
      await done;
      expect(await read).toBe(0);
      await waiter.query("insert into staging values (1, 'new')");
      await waiter.end();
      wire.limit(Number.POSITIVE_INFINITY);
      await stage.client.waitForSubstate("truncate", "WaitingForCutoverTrigger", 150);
      await cutOverAndCompare(stage, "truncate", "shop");
      const end = await stage.client.get("truncate");
      const message = end.properties.currentStatus.currentSubStateDetails?.dbDetails?.shop?.message ?? "";
      expect(message).toMatch(/Copy number 1 gave way\. .*"truncate staging"/);
      expect(await stage.source.query("select from pg_replication_slots")).toEqual([]);
    } finally {
      await wire.stop();
      await stage.close();
    }
  },
);

test(
  "a copy that would have to give way again and again fails, and says to whom and what to do",
  patience,
  async () => {
    const stage = await Stage.open({ source: { major: 12 }, target: { major: 17 }, service: { settings } });
    const wire = await ThrottledProxy.start(stage.source);
    let over = false;
    try {
      await seed(stage);
      wire.limit(300_000);
      const job = await stage.source.connect("shop");
      await job.query("set application_name = 'minutely job'");
      const source = {
        ...stage.source,
        host: wire.host,
        port: wire.port,
        user: stage.source.user,
        password: stage.source.password,
      };
      await stage.client.start("again", offlineMigration(source, stage.target, ["shop"]));
      const truncating = (async () => {
        while (!over) {
          await untilCopying(stage, "again").catch(() => {});
          if (!over) await job.query("truncate staging");
        }
      })();
      const end = await stage.client.waitForEnd("again", { limitSeconds: 200 });
      over = true;
      await truncating;
      await job.end();
      expect(end.properties.currentStatus.state).toBe("Failed");
      expect(end.properties.currentStatus.error).toMatch(
        /session \d+ of postgres \(minutely job\) had waited \d+ s for public\.staging, .*"truncate staging".*before or after the migration's copy.*LOCK_WAITERS_LIMIT_SECONDS/,
      );
      expect(await stage.sessions()).toEqual([]);
    } finally {
      over = true;
      await wire.stop();
      await stage.close();
    }
  },
);
