/** What may be changed of a migration while it is held, and that what is then carried out is the change. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { seedMany } from "../../demo/seed/many.js";
import { type MigrationAnswer, offlineMigration } from "../../local/migration-client.js";
import { Stage } from "../fixtures/stage.js";

let stage: Stage;

const databases = ["first", "second", "third", "kept", "moved", "later"];

beforeAll(async () => {
  // A source whose settings do for no online migration.
  stage = await Stage.open({ source: { settings: { wal_level: "replica" } } });
  for (const database of databases) await seedMany(stage.source, { database, tables: 2 });
  await stage.source.query("create role clerk");
  await stage.source.query("alter table public.small_00001 owner to clerk", { database: "second" });
}, 120_000);

afterAll(async () => await stage?.close());

async function begin(name: string, names: readonly string[], properties: Record<string, unknown>): Promise<void> {
  await stage.client.start(name, offlineMigration(stage.source, stage.target, names, properties));
}

function problemOf(body: unknown): { code?: string; message?: string; details?: { target?: string }[] } {
  return (body as { error?: object }).error ?? {};
}

test("other databases and roles are what is migrated, validated anew, and the old ones are free for others", async () => {
  await begin("held", ["first"], { startDataMigration: "False", migrationOption: "ValidateAndMigrate" });
  await stage.client.waitForSubstate("held", "WaitingForDataMigrationScheduling");
  const changed = await stage.client.patch("held", { dbsToMigrate: ["second", "third"], migrateRoles: "True" });
  expect(changed.status).toBe(200);
  expect(changed.body.properties).toMatchObject({ dbsToMigrate: ["second", "third"], migrateRoles: "True" });

  const again = await stage.client.waitFor("held", (answer) => validated(answer).join() === "second,third");
  expect(again.properties.currentStatus.state).toBe("WaitingForUserAction");
  // The first one is this migration's no more.
  await begin("other", ["first"], {});
  await stage.client.waitForState("other", "Succeeded");

  expect((await stage.client.patch("held", { startDataMigration: "True" })).status).toBe(200);
  const end = await stage.client.waitForState("held", "Succeeded");
  expect(Object.keys(end.properties.currentStatus.currentSubStateDetails?.dbDetails ?? {}).sort()).toEqual([
    "second",
    "third",
  ]);
  expect(await stage.differences("second")).toEqual([]);
  expect(await stage.differences("third")).toEqual([]);
  const [owner] = await stage.target.query("select tableowner from pg_tables where tablename = 'small_00001'", {
    database: "second",
  });
  expect(owner).toEqual({ tableowner: "clerk" });
});

/** The databases of which the validation has told, while the migration is held. */
function validated({ properties }: MigrationAnswer): string[] {
  const details = properties.currentStatus.currentSubStateDetails as
    | {
        currentSubState?: string;
        validationDetails?: { dbLevelValidationDetails?: { databaseName?: string; summary?: unknown[] }[] };
      }
    | undefined;
  if (details?.currentSubState !== "WaitingForDataMigrationScheduling") return [];
  return (details.validationDetails?.dbLevelValidationDetails ?? [])
    .filter(({ summary }) => (summary ?? []).length > 0)
    .map(({ databaseName }) => databaseName ?? "")
    .sort();
}

test("a confirmation holds for the databases that it was given for, not for those named later", async () => {
  await stage.target.query("create database kept");
  await stage.target.query("create table precious as select 1 as one", { database: "kept" });
  await stage.target.query("create database moved");
  await begin("confirmed", ["moved"], { overwriteDbsInTarget: "False", startDataMigration: "False" });
  await stage.client.waitForSubstate("confirmed", "WaitingForTargetDBOverwriteConfirmation");
  expect((await stage.client.patch("confirmed", { overwriteDbsInTarget: "True" })).status).toBe(200);
  await stage.client.waitForSubstate("confirmed", "WaitingForDataMigrationScheduling");

  const changed = await stage.client.patch("confirmed", { dbsToMigrate: ["kept"], startDataMigration: "True" });
  expect(changed.status).toBe(200);
  expect(changed.body.properties.overwriteDbsInTarget).toBe("False");
  await stage.client.waitForSubstate("confirmed", "WaitingForTargetDBOverwriteConfirmation");
  expect(await stage.target.query("select one from precious", { database: "kept" })).toEqual([{ one: 1 }]);

  expect((await stage.client.patch("confirmed", { overwriteDbsInTarget: "True" })).status).toBe(200);
  await stage.client.waitForState("confirmed", "Succeeded");
  expect(await stage.differences("kept")).toEqual([]);
});

test("an online migration that waits for its source's settings goes offline instead", async () => {
  await begin("offline-instead", ["later"], { migrationMode: "Online" });
  await stage.client.waitForSubstate("offline-instead", "WaitingForLogicalReplicationSetupRequestOnSourceDB");
  const changed = await stage.client.patch("offline-instead", { migrationMode: "Offline" });
  expect(changed.status).toBe(200);
  const end = await stage.client.waitForState("offline-instead", "Succeeded");
  expect(end.properties.migrationMode).toBe("Offline");
  expect(await stage.differences("later")).toEqual([]);
});

test("a window is moved: nothing begins when the old one opens, and it begins when the new one does", async () => {
  const later = new Date(Date.now() + 3_600_000).toISOString();
  await begin("window", ["later"], { migrationWindowStartTimeInUtc: later });
  await stage.client.waitForSubstate("window", "WaitingForDataMigrationWindow");
  const opens = new Date(Date.now() + 4_000);
  const changed = await stage.client.patch("window", { migrationWindowStartTimeInUtc: opens.toISOString() });
  expect(changed.status).toBe(200);
  const end = await stage.client.waitForState("window", "Succeeded");
  const started = end.properties.currentStatus.currentSubStateDetails?.dbDetails?.later?.startedOn ?? "";
  expect(Date.parse(started)).toBeGreaterThanOrEqual(opens.getTime());
});

test("a change that is none, is too late, or takes another migration's database is refused with words", async () => {
  await begin("waiting", ["first"], { startDataMigration: "False" });
  await begin("neighbour", ["second"], { startDataMigration: "False" });
  await stage.client.waitForSubstate("waiting", "WaitingForDataMigrationScheduling");
  const taken = await stage.client.patch("waiting", { dbsToMigrate: ["first", "second"] });
  expect(taken.status).toBe(409);
  expect(problemOf(taken.body)).toMatchObject({
    code: "TargetDatabaseInUse",
    message: expect.stringMatching(/migration neighbour/),
  });
  const none = await stage.client.patch("waiting", { dbsToMigrate: [] });
  expect(none.status).toBe(400);
  const past = await stage.client.patch("waiting", {
    migrationWindowStartTimeInUtc: "2031-01-02T00:00:00Z",
    migrationWindowEndTimeInUtc: "2031-01-01T00:00:00Z",
  });
  expect(past.status).toBe(409);
  expect(problemOf(past.body).message).toMatch(/choose a later end/);

  // What is the same already is no change: the orchestration is not disturbed.
  expect((await stage.client.patch("waiting", { dbsToMigrate: ["first"], migrateRoles: "False" })).status).toBe(200);
  expect((await stage.client.patch("waiting", { startDataMigration: "True" })).status).toBe(200);
  await stage.client.waitForState("waiting", "Succeeded");
  const late = await stage.client.patch("waiting", { dbsToMigrate: ["third"] });
  expect(late.status).toBe(409);
  await stage.client.cancel("neighbour");
  await stage.client.waitForState("neighbour", "Canceled");
});
