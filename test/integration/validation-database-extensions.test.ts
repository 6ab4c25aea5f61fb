import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stateOf } from "../../shared/validation/rule.js";
import { rule as extensionVersions } from "../../shared/validation/rules/database/extension-versions.js";
import { rule as extensionsAllowed } from "../../shared/validation/rules/database/extensions-allowed.js";
import { rule as extensionsAvailable } from "../../shared/validation/rules/database/extensions-available.js";
import { rule as extensionsPreload } from "../../shared/validation/rules/database/extensions-preload.js";
import { rule as extensionsScheduled } from "../../shared/validation/rules/database/extensions-scheduled.js";
import { rule as extensionsSuperuser } from "../../shared/validation/rules/database/extensions-superuser.js";
import { rule as extensionsUnsupported } from "../../shared/validation/rules/database/extensions-unsupported.js";
import { RuleBench } from "../fixtures/rule-bench.js";

let bench: RuleBench;

beforeAll(async () => {
  bench = await RuleBench.start(
    { major: 12 },
    // A placeholder, as any extension's setting is to a server that does not know the extension.
    {
      major: 17,
      settings: { "azure.extensions": "HSTORE,pg_stat_statements", shared_preload_libraries: "auto_explain" },
    },
  );
});
afterAll(() => bench?.stop());

describe("extensions", () => {
  test("one that the target does not have", () =>
    bench.prove(extensionsAvailable, {
      plant: "create extension adminpack; create extension hstore",
      state: "Failed",
      names: [/Extension adminpack:/],
    }));

  test("one that azure.extensions does not allow, with the parameter's whole new value", async () => {
    const { finding, database } = await bench.prove(extensionsAllowed, {
      plant: `create extension hstore; create extension "uuid-ossp"; create extension citext`,
      state: "Failed",
      names: [
        /citext, uuid-ossp/,
        /set azure\.extensions|azure\.extensions to HSTORE,pg_stat_statements,CITEXT,UUID-OSSP /,
      ],
    });
    const value = /--value (\S+)\)/.exec(finding.message)?.[1] ?? "";
    await bench.target.query(`alter system set "azure.extensions" = '${value}'`);
    await bench.target.query("select pg_reload_conf()");
    await expect.poll(async () => stateOf(await bench.check(extensionsAllowed, { database }))).toBe("Succeeded");
    // An Azure server lets its users create what it has allowed, whether trusted or not.
    await bench.plant("create extension postgres_fdw", database);
    expect(await bench.check(extensionsSuperuser, { database })).toEqual([]);
  });

  test("one whose library the target does not load at its start", async () => {
    // As Azure's administrators are.
    await bench.target.query("grant pg_read_all_settings to mover");
    const { database, finding } = await bench.prove(extensionsPreload, {
      plant: "create extension hstore; create extension pg_stat_statements",
      state: "Failed",
      names: [/Extension pg_stat_statements:/, /shared_preload_libraries to auto_explain,pg_stat_statements /],
      correctedOn: "target",
      afterCorrection: () => bench.target.restart(),
    });
    expect(finding.message).not.toContain("hstore");

    await bench.target.query("revoke pg_read_all_settings from mover");
    const [hidden] = await bench.check(extensionsPreload, { database });
    expect(hidden).toMatchObject({ state: "Warning", message: expect.stringContaining("pg_stat_statements") });
    await bench.correct(hidden, database);
    expect(await bench.check(extensionsPreload, { database })).toEqual([]);
  });

  test("an older version on the target", () =>
    bench.prove(extensionVersions, {
      // No binary that npm has is newer on an older major and still installed by it.
      plant: `create extension hstore; create extension citext;
              update pg_catalog.pg_extension set extversion = '1.1000' where extname = 'hstore'`,
      state: "Warning",
      names: [/Extension hstore 1\.1000, there 1\.8:/],
    }));

  test.each(["timescaledb", "citus", "pglogical"])("%s cannot be moved as it is", async (name) => {
    await bench.prove(extensionsUnsupported, {
      plant: `create extension hstore; update pg_catalog.pg_extension set extname = '${name}' where extname = 'hstore'`,
      state: name === "pglogical" ? "Warning" : "Failed",
      names: [`Extension ${name} `],
    });
  });

  test.each(["postgis_topology", "postgis_tiger_geocoder", "pg_partman", "pg_cron"])(
    "%s is moved as it is: nothing is said against it",
    async (name) => {
      const database = await bench.newDatabase();
      await bench.plant(
        `create extension hstore; update pg_catalog.pg_extension set extname = '${name}' where extname = 'hstore'`,
        database,
      );
      expect(await bench.check(extensionsUnsupported, { database })).toEqual([]);
    },
  );

  test("one that acts on time, and a target that has it in another database", async () => {
    // As pg_cron's server has it: a placeholder, like azure.extensions above.
    await bench.target.query(`alter system set "cron.database_name" = 'postgres'`);
    await bench.target.query("select pg_reload_conf()");
    const { database } = await bench.prove(extensionsScheduled, {
      plant: "create extension hstore; update pg_catalog.pg_extension set extname = 'pg_cron' where extname = 'hstore'",
      state: "Failed",
      names: [/Extension pg_cron: the target allows it in database postgres only/],
      correctedOn: "target",
      afterCorrection: () => bench.target.restart(),
    });
    await bench.plant(
      [
        "create schema cron; create table cron.job (jobid bigint primary key, active boolean)",
        "alter extension pg_cron add table cron.job",
        "update pg_extension set extconfig = array['cron.job'::regclass::oid], extcondition = '{\"\"}' where extname = 'pg_cron'",
        "insert into cron.job values (1, true), (2, false), (3, true)",
      ],
      database,
    );
    expect(await bench.check(extensionsScheduled, { database })).toEqual([
      { state: "Warning", message: expect.stringMatching(/2 rows of cron\.job on time: .* switched off/) },
    ]);
  });
});
