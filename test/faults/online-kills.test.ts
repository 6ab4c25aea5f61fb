/**
 * The death of every instance, one after the other, in whatever substate an online migration is. By default one migration meets them in all of its substates; with
 * ONLINE_FAULTS=all there is a migration for each substate as well.
 */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seedTraffic, Traffic } from "../../demo/seed/traffic.js";
import { hasEnded, type MigrationAnswer } from "../../local/migration-client.js";
import { onlineMigration, openOnlineStage, replicationLeftovers } from "../fixtures/online-stage.js";
import type { Stage } from "../fixtures/stage.js";
import { thorough } from "../fixtures/thorough.js";

let stage: Stage;
beforeAll(async () => {
  stage = await openOnlineStage({ source: { settings: { wal_level: "replica" } } });
});
afterAll(async () => await stage?.close());

/** On the way of a migration that waits wherever one can: the substates, and what makes it go on from each. */
const way = [
  { substate: "PerformingPreRequisiteSteps" },
  { substate: "WaitingForTargetDBOverwriteConfirmation", goOn: (name: string) => patch(name, "overwriteDbsInTarget") },
  { substate: "ValidationInProgress" },
  {
    substate: "WaitingForLogicalReplicationSetupRequestOnSourceDB",
    goOn: async () => {
      const asked =
        "select count(*)::int as lines from pg_file_settings where name = 'wal_level' and setting = 'logical'";
      const limit = Date.now() + 60_000;
      while ((await stage.source.query<{ lines: number }>(asked))[0]?.lines === 0) {
        if (Date.now() > limit) throw new Error("nobody has set wal_level");
        await delay(250);
      }
      await stage.source.restart();
    },
  },
  { substate: "WaitingForDataMigrationScheduling", goOn: (name: string) => patch(name, "startDataMigration") },
  { substate: "MigratingData" },
  { substate: "WaitingForCutoverTrigger", goOn: (name: string) => patch(name, "triggerCutover") },
  { substate: "CompletingMigration" },
];
const substates = way.map(({ substate }) => substate);

async function patch(name: string, property: string): Promise<void> {
  // An instance that dies takes the request with it that it was answering.
  for (;;) {
    const { status } = await stage.client.patch(name, { [property]: "True" });
    if (status === 200) return;
    if (status < 500) throw new Error(`PATCH ${property} answered ${status}`);
    await delay(200);
  }
}

function hasReached(substate: string): (answer: MigrationAnswer) => boolean {
  return (answer) => {
    const current = answer.properties.currentStatus.currentSubStateDetails?.currentSubState ?? "";
    return hasEnded(answer) || substates.indexOf(current) >= substates.indexOf(substate);
  };
}

async function killEachInstance(): Promise<void> {
  for (const pid of await stage.service.workerPids()) {
    process.kill(pid, "SIGKILL");
    await delay(500);
  }
}

test.each([["every substate", substates], ...(thorough ? substates.map((one) => [one, [one]] as const) : [])] as const)(
  "each instance is killed in %s: the migration succeeds, and nothing is lost",
  { timeout: 300_000 },
  async (which, deadly) => {
    const name = `kill-${which.replaceAll(" ", "-").toLowerCase()}`;
    await stage.source.query("alter system reset wal_level");
    await stage.source.restart();
    await seedTraffic(stage.source, "busy");
    await stage.target.query("drop database if exists busy with (force)");
    await stage.target.query("create database busy");
    const body = onlineMigration(stage, ["busy"], {
      migrationOption: "ValidateAndMigrate",
      overwriteDbsInTarget: "False",
      startDataMigration: "False",
      setupLogicalReplicationOnSourceDbIfNeeded: "True",
    });
    await stage.client.start(name, body);
    let traffic: Traffic | undefined;
    const seen: string[] = [];
    for (const { substate, goOn } of way) {
      const answer = await stage.client.waitFor(name, hasReached(substate), {
        limitSeconds: 120,
        everyMilliseconds: 50,
      });
      if (hasEnded(answer)) throw new Error(JSON.stringify(answer.properties.currentStatus));
      seen.push(answer.properties.currentStatus.currentSubStateDetails?.currentSubState ?? "");
      if (deadly.includes(substate)) await killEachInstance();
      if (substate === "WaitingForDataMigrationScheduling") traffic = await Traffic.start(stage.source, "busy", 80);
      if (substate === "WaitingForCutoverTrigger") await traffic?.stop();
      await goOn?.(name);
    }
    const end = await stage.client.waitForEnd(name, { limitSeconds: 150 });
    expect(end.properties.currentStatus.state).toBe("Succeeded");
    // Killed in the substate itself, but for the last: it may take less time than a poll.
    expect(seen.slice(0, -1)).toEqual(substates.slice(0, -1));
    expect(await stage.differences("busy")).toEqual([]);
    expect(await replicationLeftovers(stage, ["busy"])).toEqual([]);
  },
);
