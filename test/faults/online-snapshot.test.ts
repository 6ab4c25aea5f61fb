/** The snapshot of an online migration's base copy: it outlives its keepers, and when it is lost the copy begins again. */
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { seedTraffic, Traffic } from "../../demo/seed/traffic.js";
import { cutOverAndCompare, onlineMigration, openOnlineStage } from "../fixtures/online-stage.js";
import { thorough } from "../fixtures/thorough.js";
import { ThrottledProxy } from "../fixtures/throttled-proxy.js";

const patience = { timeout: 240_000 };

test("a snapshot is relayed from keeper to keeper while changes gather in the slot", patience, async () => {
  const copySeconds = thorough ? 60 : 15;
  const stage = await openOnlineStage({
    service: { settings: { ACTIVITY_BUDGET_SECONDS: "10", PART_SIZE_MB: "1" } },
  });
  const wire = await ThrottledProxy.start(stage.source);
  try {
    await seedTraffic(stage.source, "busy");
    // More than the wire carries in that time, in one part: documents are stored much smaller than they travel.
    await stage.source.query(
      `insert into documents (title, body) select 'more ' || n, repeat(md5(n::text), 200) from generate_series(1, ${copySeconds * 80}) as n`,
      { database: "busy" },
    );
    const traffic = await Traffic.start(stage.source, "busy", 30);
    wire.limit(500_000);
    await stage.client.start(
      "relay",
      onlineMigration(stage, ["busy"], { sourceDbServerFullyQualifiedDomainName: `${wire.host}:${wire.port}` }),
    );
    await stage.client.waitForSubstate("relay", "MigratingData");
    const keepers = new Set<string>();
    const until = Date.now() + copySeconds * 1_000;
    while (Date.now() < until) {
      const rows = await stage.source.query<{ name: string }>(
        "select application_name as name from pg_stat_activity where application_name like '%keeper%'",
      );
      for (const { name } of rows) keepers.add(name);
      await delay(500);
    }
    const copying = await stage.client.get("relay");
    expect(copying.properties.currentStatus.currentSubStateDetails?.currentSubState).toBe("MigratingData");
    wire.limit(Number.POSITIVE_INFINITY);
    await stage.client.waitForSubstate("relay", "WaitingForCutoverTrigger", 120);
    await traffic.stop();
    // A keeper lives ten seconds and hands on after five.
    expect(keepers.size).toBeGreaterThan(copySeconds / 10);
    // A part that takes longer than one activity may is cut.
    if (thorough) {
      const documents = (await stage.client.tables("relay")).find(({ tableName }) => tableName === "documents");
      expect(documents?.parts.length).toBeGreaterThan(2);
    }
    await cutOverAndCompare(stage, "relay", "busy");
  } finally {
    await wire.stop();
    await stage.close();
  }
});

test(
  "a snapshot that is lost with every keeper is taken anew, from a new slot, and the message says so",
  patience,
  async () => {
    const stage = await openOnlineStage({ service: { settings: { PART_SIZE_MB: "1" } } });
    const wire = await ThrottledProxy.start(stage.source);
    try {
      await seedTraffic(stage.source, "busy");
      const traffic = await Traffic.start(stage.source, "busy", 30);
      wire.limit(500_000);
      await stage.client.start(
        "lost",
        onlineMigration(stage, ["busy"], { sourceDbServerFullyQualifiedDomainName: `${wire.host}:${wire.port}` }),
      );
      await stage.client.waitFor("lost", ({ properties }) => {
        const details = properties.currentStatus.currentSubStateDetails?.dbDetails?.busy;
        return (details?.fullLoadCompletedTables ?? 0) > 0 && (details?.fullLoadQueuedTables ?? 0) > 0;
      });
      await stage.source.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'migration %'",
      );
      wire.limit(Number.POSITIVE_INFINITY);
      const waiting = await stage.client.waitForSubstate("lost", "WaitingForCutoverTrigger", 150);
      const details = waiting.properties.currentStatus.currentSubStateDetails?.dbDetails?.busy;
      expect(details?.message).toContain("copy number 2 was made from a new slot");
      await traffic.stop();
      await cutOverAndCompare(stage, "lost", "busy");
    } finally {
      await wire.stop();
      await stage.close();
    }
  },
);
