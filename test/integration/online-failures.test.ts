/** Failures of online migrations before their cutover, all at once, for most of their time is waiting. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EmbeddedServer } from "../../local/embedded-server.js";
import { type MigrationAnswer, offlineMigration } from "../../local/migration-client.js";
import { onlineMigration, openOnlineStage, replicationLeftovers } from "../fixtures/online-stage.js";
import type { Stage } from "../fixtures/stage.js";
import { ThrottledProxy } from "../fixtures/throttled-proxy.js";

const patience = { timeout: 180_000 };

let stage: Stage;
/** A source that is not set up for logical replication. */
let plain: EmbeddedServer;
/** A slow way to the source, and one that becomes fast again. */
let slow: ThrottledProxy;
let mended: ThrottledProxy;
beforeAll(async () => {
  [stage, plain] = await Promise.all([
    openOnlineStage({
      target: { settings: { max_logical_replication_workers: "12", max_worker_processes: "20" } },
      service: { settings: { MIGRATION_TIMEOUT_DAYS: String(60 / 86_400) } },
    }),
    EmbeddedServer.start({ major: 12 }),
  ]);
  [slow, mended] = await Promise.all([ThrottledProxy.start(stage.source), ThrottledProxy.start(stage.source)]);
  slow.limit(400_000);
  mended.limit(1_000_000);
  await plain.query("create database waiting");
  for (const database of ["copying", "following", "unbuildable", "pulled"]) {
    await stage.source.query(`create database ${database}`);
    const rows = database === "copying" || database === "pulled" ? 50_000 : 1_000;
    await stage.source.query(
      `create table t as select n as id, repeat('x', 1000) as v from generate_series(1, ${rows}) as n; alter table t add primary key (id)`,
      { database },
    );
  }
});
afterAll(async () => {
  await Promise.all([slow?.stop(), mended?.stop()]);
  await Promise.all([stage?.close(), plain?.stop()]);
});

const through = ({ host, port }: { host: string; port: number }) => ({
  sourceDbServerFullyQualifiedDomainName: `${host}:${port}`,
});

const isLoading = (database: string) => (answer: MigrationAnswer) =>
  (answer.properties.currentStatus.currentSubStateDetails?.dbDetails?.[database]?.fullLoadLoadingTables ?? 0) > 0;

async function failure(name: string): Promise<string> {
  const { state, error } = (await stage.client.waitForEnd(name)).properties.currentStatus;
  expect(state).toBe("Failed");
  return error ?? "";
}

describe.concurrent("a migration fails", () => {
  test("that has not ended within MIGRATION_TIMEOUT_DAYS, while it copies", patience, async () => {
    await stage.client.start("copying", onlineMigration(stage, ["copying"], through(slow)));
    await stage.client.waitFor("copying", isLoading("copying"));
    expect(await failure("copying")).toContain("MIGRATION_TIMEOUT_DAYS");
    expect(await stage.client.databases("copying")).toMatchObject([{ state: "Canceled", tablesCompleted: 0 }]);
  });

  test("that has not ended within MIGRATION_TIMEOUT_DAYS, while it waits for the cutover", patience, async () => {
    await stage.client.start("following", onlineMigration(stage, ["following"]));
    await stage.client.waitForSubstate("following", "WaitingForCutoverTrigger");
    expect(await failure("following")).toContain("MIGRATION_TIMEOUT_DAYS");
  });

  test(
    "that has not ended within MIGRATION_TIMEOUT_DAYS, while it waits for the source's set-up",
    patience,
    async () => {
      await stage.client.start(
        "waiting",
        offlineMigration(plain, stage.target, ["waiting"], { migrationMode: "Online" }),
      );
      await stage.client.waitForSubstate("waiting", "WaitingForLogicalReplicationSetupRequestOnSourceDB");
      expect(await failure("waiting")).toContain("MIGRATION_TIMEOUT_DAYS");
    },
  );

  test("whose index the target cannot build: it is told while it waits, and rows are all there", patience, async () => {
    await stage.source.query(
      `
        create or replace function old_only(id integer) returns integer immutable language sql as $$
          select case when current_setting('server_version_num')::integer / 10000 = ${stage.source.major} then id else 0 end
        $$;
        create unique index if not exists t_once on t (old_only(id));
      `,
      { database: "unbuildable" },
    );
    await stage.client.start("unbuildable", onlineMigration(stage, ["unbuildable"]));
    const refusal = 'could not create unique index "t_once"';
    const waiting = await stage.client.waitForSubstate("unbuildable", "WaitingForCutoverTrigger");
    const { dbDetails } = waiting.properties.currentStatus.currentSubStateDetails ?? {};
    expect(dbDetails?.unbuildable?.message).toContain(refusal);
    await stage.client.patch("unbuildable", { triggerCutover: "True" });
    expect(await failure("unbuildable")).toContain(refusal);
    expect(await stage.target.query("select count(*)::integer as rows from t", { database: "unbuildable" })).toEqual([
      { rows: 1_000 },
    ]);
  });

  test("whose target database is dropped under the base copy", patience, async () => {
    await stage.client.start("pulled", onlineMigration(stage, ["pulled"], through(mended)));
    await stage.client.waitFor("pulled", isLoading("pulled"));
    await stage.target.query("drop database pulled with (force)");
    mended.limit(Number.POSITIVE_INFINITY);
    expect(await failure("pulled")).toContain('database "pulled" does not exist');
    // Nothing can be left in it.
    expect(JSON.stringify(await stage.client.get("pulled"))).not.toContain("_pgmig");
  });
});

test("nothing of them is left on any server", async () => {
  const databases = ["copying", "following", "waiting", "unbuildable", "pulled"];
  expect(await replicationLeftovers(stage, databases)).toEqual([]);
  const ofPlain = `
    select application_name as found from pg_stat_activity where application_name like 'migration %'
    union all
    select pubname from pg_publication
  `;
  expect(await plain.query(ofPlain, { database: "waiting" })).toEqual([]);
});
