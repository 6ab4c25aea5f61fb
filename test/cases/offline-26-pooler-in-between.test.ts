import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { offlineMigration, type ServerAddress } from "../../local/migration-client.js";
import { probeServer } from "../../shared/postgres/probe.js";
import { hasPgBouncer, Pooler, type PoolMode } from "../fixtures/pooler.js";
import { Stage } from "../fixtures/stage.js";

const ownPort = /connection pooler.*give the server's own address and port/s;

let stage: Stage;

beforeAll(async () => {
  if (!hasPgBouncer) return;
  stage = await Stage.open({ source: { major: 17, settings: { wal_level: "logical" } }, target: { major: 18 } });
  await stage.source.query("create database app");
  await stage.source.query(
    "create table a as select g as id, md5(g::text) as v from generate_series(1, 1000) as g; alter table a add primary key (id)",
    { database: "app" },
  );
  await stage.target.query("create database app");
  await stage.target.query("create table there_before (id integer)", { database: "app" });
}, 120_000);

afterAll(async () => {
  await stage?.close();
});

/** What an application gets on each of the pool's server connections. */
async function settingsInPool(pooler: Pooler): Promise<unknown[]> {
  const seen = `
    select current_setting('search_path') as search_path, current_setting('row_security') as row_security,
      current_setting('statement_timeout') as statement_timeout, current_setting('lock_timeout') as lock_timeout,
      current_setting('default_transaction_read_only') as read_only
    from pg_sleep(0.3)
  `;
  return await Promise.all([1, 2, 3].map(async () => (await pooler.query(seen, "app"))[0]));
}

const untouched = {
  search_path: '"$user", public',
  row_security: "on",
  statement_timeout: "0",
  read_only: "off",
  lock_timeout: "0",
};

/** Nothing of ours on the source, and what was on the target is there still. */
async function expectNothingDone(): Promise<void> {
  const made = "select pubname::text as made from pg_publication union all select slot_name from pg_replication_slots";
  expect(await stage.source.query(made, { database: "app" })).toEqual([]);
  expect(await stage.target.query("select * from there_before", { database: "app" })).toEqual([]);
}

const modes: readonly PoolMode[] = ["session", "transaction", "statement"];
// As installed, and as providers have it so that every driver gets in.
const ignoring = ["", "extra_float_digits,options,replication"];

describe.runIf(hasPgBouncer).each(modes.flatMap((mode) => ignoring.map((ignored) => ({ mode, ignored }))))(
  "PgBouncer in $mode mode, ignoring start-up parameters '$ignored'",
  ({ mode, ignored }) => {
    let pooler: Pooler;

    beforeAll(async () => {
      pooler = await Pooler.start(stage.source, mode, ignored);
    });

    afterAll(async () => {
      await pooler?.stop();
    });

    const address = (): ServerAddress => ({ ...login(stage.source), host: pooler.host, port: pooler.port });

    test("testConnection says so", async () => {
      const { host, port, user, password } = address();
      const outcome = await probeServer({ endpoint: { host, port, user, sslMode: "Prefer" }, password });
      expect(outcome).toMatchObject({ reachable: false, error: { code: "PoolerInBetween" } });
      expect(outcome.reachable ? "" : outcome.error.message).toMatch(ownPort);
    });

    test.each(["Validate", "Migrate", "ValidateAndMigrate"])(
      "%s refuses it as a source and leaves nothing",
      async (option) => {
        const name = `source-${mode}-${ignored.length}-${option}`.toLowerCase();
        const before = await settingsInPool(pooler);
        await stage.client.start(name, offlineMigration(address(), stage.target, ["app"], { migrationOption: option }));
        const { state } = (await stage.client.waitForEnd(name)).properties.currentStatus;
        expect(state).toBe(option === "Migrate" ? "Failed" : "ValidationFailed");
        expect(JSON.stringify(await stage.client.get(name))).toMatch(ownPort);
        expect(before).toEqual([untouched, untouched, untouched]);
        expect(await settingsInPool(pooler)).toEqual(before);
        await expectNothingDone();
      },
    );

    test("an online migration ends at once, with nothing on the source", async () => {
      const name = `online-${mode}-${ignored.length}`;
      await stage.client.start(
        name,
        offlineMigration(address(), stage.target, ["app"], { migrationMode: "Online", migrationOption: "Migrate" }),
      );
      const { state, error } = (await stage.client.waitForEnd(name, { limitSeconds: 30 })).properties.currentStatus;
      expect(state).toBe("Failed");
      expect(error).toMatch(ownPort);
      expect(await settingsInPool(pooler)).toEqual([untouched, untouched, untouched]);
      await expectNothingDone();
    });
  },
);

describe.runIf(hasPgBouncer)("PgBouncer in front of the target", () => {
  test.each(modes)("in %s mode it is refused, and the database that is there stays", async (mode) => {
    const pooler = await Pooler.start(stage.target, mode, "extra_float_digits,options");
    try {
      const address = { ...login(stage.target), host: pooler.host, port: pooler.port };
      for (const option of ["Validate", "Migrate"]) {
        const name = `target-${mode}-${option}`.toLowerCase();
        await stage.client.start(name, offlineMigration(stage.source, address, ["app"], { migrationOption: option }));
        const answer = await stage.client.waitForEnd(name);
        expect(answer.properties.currentStatus.state).toBe(option === "Migrate" ? "Failed" : "ValidationFailed");
        expect(JSON.stringify(answer)).toMatch(ownPort);
      }
      await expectNothingDone();
    } finally {
      await pooler.stop();
    }
  });
});

test.skipIf(hasPgBouncer)("poolers are tried where PgBouncer is installed: apt-get install pgbouncer", () => {});

function login({ host, port, user, password }: ServerAddress): ServerAddress {
  return { host, port, user, password };
}
