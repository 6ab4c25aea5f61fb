/**
 * A new build is deployed under running migrations. Build A is the repository's; build B is the same with another database
 * orchestrator: migrations of version 2 set sequences once more before they finish, those of version 1 must go on without.
 */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DurableStore } from "../../emulator/src/durable/store.js";
import { durableTables } from "../../emulator/src/storage/account.js";
import { MigrationClient } from "../../local/migration-client.js";
import { repositoryRoot } from "../../local/repository-root.js";
import { Service } from "../../local/service.js";
import { onlineMigration, openOnlineStage, replicationLeftovers } from "../fixtures/online-stage.js";
import type { Stage } from "../fixtures/stage.js";

const hub = "PostgresMigration";

let stage: Stage;
let buildB: string;
let serviceB: Service | undefined;
beforeAll(async () => {
  [stage, buildB] = await Promise.all([openOnlineStage(), makeBuildB()]);
  await stage.source.query("create database app");
  await stage.source.query("create table t (id serial primary key, v text); insert into t (v) values ('first')", {
    database: "app",
  });
});
afterAll(async () => {
  await serviceB?.stop();
  await stage?.close();
  if (buildB !== undefined) await rm(buildB, { recursive: true, force: true });
});

async function makeBuildB(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "build-b-"));
  await cp(join(repositoryRoot, "dist"), join(folder, "dist"), { recursive: true });
  await cp(join(repositoryRoot, "package.json"), join(folder, "package.json"));
  await symlink(join(repositoryRoot, "node_modules"), join(folder, "node_modules"));
  await change(
    join(repositoryRoot, "host.json"),
    join(folder, "host.json"),
    '"defaultVersion": "1"',
    '"defaultVersion": "2"',
  );
  const orchestrator = join(folder, "dist/orchestrators/database.js");
  const finishing = "failure = yield* finishDatabase(context, { key, database, attempt });";
  const step = 'yield* carryOut(context, "setSequences", { key, database, attempt })';
  const once = `failure = (context.df.version === "2" && (${step}), yield* finishDatabase(context, { key, database, attempt }));`;
  await change(orchestrator, orchestrator, finishing, once);
  return folder;
}

async function change(from: string, to: string, text: string, into: string): Promise<void> {
  const content = await readFile(from, "utf8");
  expect(content).toContain(text);
  await writeFile(to, content.replace(text, into));
}

/** How often the database's orchestration has asked for the step. */
async function asked(name: string, step: string): Promise<number> {
  const store = new DurableStore(durableTables(stage.azurite.connectionString, hub), hub);
  const record = await store.find(`target_${name}:1`);
  if (record === undefined) throw new Error(`no orchestration of ${name}`);
  return (await store.history(record)).filter(({ EventType, Name }) => EventType === "TaskScheduled" && Name === step)
    .length;
}

test("a migration that waits for its cutover goes on with the next build, by the code of its own version", async () => {
  await stage.client.start("old", onlineMigration(stage, ["app"]));
  await stage.client.waitForSubstate("old", "WaitingForCutoverTrigger", 90);
  const { Values: settings } = JSON.parse(await readFile(stage.service.settingsFile, "utf8"));
  await stage.service.stop();
  serviceB = await Service.start({
    app: buildB,
    settings,
  });
  const client = new MigrationClient(serviceB, "target");
  await stage.source.query("insert into t (v) values ('between the builds')", { database: "app" });
  await client.patch("old", { triggerCutover: "True" });
  expect((await client.waitForEnd("old", { limitSeconds: 120 })).properties.currentStatus.state).toBe("Succeeded");
  expect(await stage.differences("app")).toEqual([]);
  expect(await asked("old", "setSequences")).toBe(1);

  await client.start("new", onlineMigration(stage, ["app"]));
  await client.waitForSubstate("new", "WaitingForCutoverTrigger", 90);
  await client.patch("new", { triggerCutover: "True" });
  expect((await client.waitForEnd("new", { limitSeconds: 120 })).properties.currentStatus.state).toBe("Succeeded");
  expect(await asked("new", "setSequences")).toBe(2);
  expect(await replicationLeftovers(stage, ["app"])).toEqual([]);
}, 240_000);
