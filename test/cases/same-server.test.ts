import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { offlineMigration } from "../../local/migration-client.js";
import { rule } from "../../shared/validation/rules/server/same-server.js";
import { openOnlineStage } from "../fixtures/online-stage.js";
import { RuleBench } from "../fixtures/rule-bench.js";
import type { Stage } from "../fixtures/stage.js";
import { ThrottledProxy } from "../fixtures/throttled-proxy.js";

const refused = /are the same server/;

/** Where a TCP proxy listens. */
const proxied = "a TCP proxy";

/** Other names of this machine's loopback that its /etc/hosts has. */
const aliases = (await readFile("/etc/hosts", "utf8").catch(() => ""))
  .split("\n")
  .flatMap((line) => {
    const [address, ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    return address === "127.0.0.1" ? names : [];
  })
  .filter((name) => name !== "localhost");

const spellings = [
  ...["0.0.0.0", "0x7f.1", "0x7f.0.0.1", "0x7f000001", "0X7F000001"],
  ...["[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "127.0.0.53", "localhost."],
  ...aliases,
  proxied,
];

let stage: Stage;
let proxy: ThrottledProxy;

beforeAll(async () => {
  stage = await openOnlineStage({ source: { major: 17, settings: { listen_addresses: "*" } } });
  proxy = await ThrottledProxy.start(stage.source);
  await stage.source.query("create database precious");
  await stage.source.query(
    "create table t as select g as id from generate_series(1, 1000) as g; alter table t add primary key (id)",
    {
      database: "precious",
    },
  );
}, 120_000);

afterAll(async () => {
  await proxy?.stop();
  await stage?.close();
});

describe.each(["Offline", "Online"])("%s", (migrationMode) => {
  test.each(spellings)("the source as the target, written %s, is refused and stays whole", async (spelling) => {
    const { user, password } = stage.source;
    const target =
      spelling === proxied
        ? { host: proxy.host, port: proxy.port, user, password }
        : { host: spelling, port: stage.source.port, user, password };
    // Each validates with every rule; what Migrate does for all spellings, they do for one.
    const options = spelling === proxied ? ["Migrate", "ValidateAndMigrate", "Validate"] : ["Migrate"];
    for (const migrationOption of options) {
      const name = `same-${migrationMode}-${migrationOption}-${spellings.indexOf(spelling)}`.toLowerCase();
      const body = offlineMigration(stage.source, target, ["precious"], { migrationMode, migrationOption });
      const { status, body: answer } = await stage.client.put(name, body);
      if (status === 400) {
        expect(JSON.stringify(answer)).toMatch(/is the source itself/);
        continue;
      }
      const end = await stage.client.waitForEnd(name);
      expect(end.properties.currentStatus.state).toBe(migrationOption === "Migrate" ? "Failed" : "ValidationFailed");
      expect(JSON.stringify(end)).toMatch(refused);
      expect(await stage.source.query("select count(*)::int as rows from t", { database: "precious" })).toEqual([
        { rows: 1000 },
      ]);
      const made =
        "select datname::text as made from pg_database where datname not in ('postgres', 'template0', 'template1', 'precious') " +
        "union all select pubname from pg_publication union all select slot_name from pg_replication_slots";
      expect(await stage.source.query(made, { database: "precious" })).toEqual([]);
    }
  });
});

test("two databases of one server with different names are refused too, with what to do instead", async () => {
  const target = { host: proxy.host, port: proxy.port, user: stage.source.user, password: stage.source.password };
  await stage.source.query("create database elsewhere");
  await stage.client.start("other-name", offlineMigration(target, stage.source, ["elsewhere"]));
  const { state, error } = (await stage.client.waitForEnd("other-name")).properties.currentStatus;
  expect(state).toBe("Failed");
  expect(error).toMatch(/CREATE DATABASE … TEMPLATE/);
});

test("the rule finds one server behind two addresses, and passes two servers, for an ordinary user", async () => {
  const bench = new RuleBench(stage.source, stage.target);
  const same = new RuleBench(stage.source, stage.source);
  for (const server of [stage.source, stage.target]) {
    await server.query(`create role mover login createdb password '${server.password}'`);
  }
  const options = { database: "precious", sourceUser: "ordinary", targetUser: "ordinary" } as const;
  expect(await bench.check(rule, options)).toEqual([]);
  expect(await same.check(rule, options)).toMatchObject([{ state: "Failed", message: expect.stringMatching(refused) }]);
});
