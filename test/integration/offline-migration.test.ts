import { afterAll, beforeAll, expect, test } from "vitest";
import { prepareHostileTarget, seedHostile } from "../../demo/seed/hostile.js";
import { seedMany } from "../../demo/seed/many.js";
import { prepareShopTarget, seedShop } from "../../demo/seed/shop.js";
import { seedSkewed } from "../../demo/seed/skewed.js";
import { type MigrationAnswer, offlineMigration } from "../../local/migration-client.js";
import { schemaEntries, withoutMissingRole, withoutVersionDifferences } from "../fixtures/schema-entries.js";
import { type MigrationEvent, Stage } from "../fixtures/stage.js";

let stage: Stage;
let hostile: string;
let databases: string[];
let end: MigrationAnswer;
let events: MigrationEvent[];
/** Every distinct substate that a poll saw, in order. */
const substates: string[] = [];
/** Sums of queued + loading + completed + errored, as the polls saw them, by database. */
const tableSums = new Map<string, Set<number>>();

beforeAll(async () => {
  stage = await Stage.open({ service: { settings: { PART_SIZE_MB: "16" } } });
  const { source, target, client } = stage;
  [hostile] = await Promise.all([
    seedHostile(source),
    seedShop(source),
    seedSkewed(source, { scale: 0.3 }),
    seedMany(source, { scale: 0.2 }),
    prepareShopTarget(target),
    prepareHostileTarget(target),
  ]);
  databases = ["shop", "skewed", "many", hostile];
  await client.start("everything", offlineMigration(source, target, databases));
  end = await client.waitForEnd("everything", { limitSeconds: 150, onPoll: remember });
  events = await stage.takeEvents();
}, 240_000);

afterAll(async () => await stage?.close());

function remember(answer: MigrationAnswer): void {
  const { currentSubStateDetails } = answer.properties.currentStatus;
  const substate = currentSubStateDetails?.currentSubState ?? "";
  if (substates.at(-1) !== substate) substates.push(substate);
  for (const [database, details] of Object.entries(currentSubStateDetails?.dbDetails ?? {})) {
    const sum =
      (details.fullLoadQueuedTables ?? 0) +
      (details.fullLoadLoadingTables ?? 0) +
      (details.fullLoadCompletedTables ?? 0) +
      (details.fullLoadErroredTables ?? 0);
    // Before the copy is planned nobody knows how many tables there are.
    if (sum > 0) tableSums.set(database, (tableSums.get(database) ?? new Set()).add(sum));
  }
}

test("the migration succeeds, and so does each database", () => {
  const { state, currentSubStateDetails } = end.properties.currentStatus;
  expect(state).toBe("Succeeded");
  const states = Object.fromEntries(
    Object.entries(currentSubStateDetails?.dbDetails ?? {}).map(([name, details]) => [name, details.migrationState]),
  );
  expect(states).toEqual(Object.fromEntries(databases.map((name) => [name, "Succeeded"])));
});

test("every row and every sequence is on the target: rich schema", async () => {
  expect(await stage.differences("shop")).toEqual([]);
});

test("every row and every sequence is on the target: one table with nearly everything", async () => {
  expect(await stage.differences("skewed")).toEqual([]);
});

test("every row and every sequence is on the target: small tables", async () => {
  expect(await stage.differences("many")).toEqual([]);
});

test("every row and every sequence is on the target: hostile names and values, rows of 20 MB", async () => {
  expect(await stage.differences(hostile)).toEqual([]);
});

test("pg_dump of both sides differs in what versions and a missing role explain, and in nothing else", async () => {
  for (const database of ["shop", hostile]) {
    const entries = async (side: "source" | "target") =>
      withoutMissingRole(withoutVersionDifferences(await schemaEntries(stage[side], database)));
    expect(await entries("target")).toEqual(await entries("source"));
  }
});

test("the substates come in the order of the pipeline", () => {
  const pipeline = ["PerformingPreRequisiteSteps", "MigratingData", "CompletingMigration", "Completed"];
  expect(substates.filter((substate) => !pipeline.includes(substate))).toEqual([]);
  expect(substates).toEqual(pipeline.filter((substate) => substates.includes(substate)));
  expect(substates).toContain("MigratingData");
  expect(substates.at(-1)).toBe("Completed");
});

test("at every poll, queued + loading + completed + errored are all tables of the database", () => {
  for (const database of databases) expect([...(tableSums.get(database) ?? [])], database).toHaveLength(1);
  expect([...(tableSums.get("many") ?? [])]).toEqual([100]);
  expect([...(tableSums.get("skewed") ?? [])]).toEqual([2]);
});

test("one CloudEvent tells each transition, once", () => {
  for (const event of events) expect(event).toMatchObject({ specversion: "1.0", id: expect.any(String) });
  expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
  const transitions = events.map(({ data }) => `${data?.state}/${data?.substate}`);
  expect(new Set(transitions).size).toBe(transitions.length);
  expect(transitions.at(-1)).toBe("Succeeded/Completed");
  expect(transitions).toContain("InProgress/MigratingData");
});

test("the large table was copied in parts by two instances", async () => {
  const tables = await stage.client.tables("everything");
  const events = tables.find(({ tableName }) => tableName === "events");
  expect(events?.parts.length).toBeGreaterThanOrEqual(4);
  expect(new Set(events?.parts.map(({ instance }) => instance)).size).toBeGreaterThanOrEqual(2);
  const [source] = await stage.source.query("select count(*)::int as rows from events", { database: "skewed" });
  expect(events?.rows).toBe(source?.rows);
});

test("owners whose role is missing on the target are named in a warning, the others are carried over", async () => {
  const message = end.properties.currentStatus.currentSubStateDetails?.dbDetails?.shop?.message ?? "";
  expect(message).toContain("shop_auditor");
  const owners = await stage.target.query(
    "select relname as name, pg_get_userbyid(relowner) as owner from pg_class where relname in ('products', 'orders') order by 1",
    { database: "shop" },
  );
  expect(owners).toEqual([
    { name: "orders", owner: "shop_owner" },
    { name: "products", owner: "shop_owner" },
  ]);
});

test("nothing of the migration is left: no session on either server, no schema of its own in the target", async () => {
  expect(await stage.sessions()).toEqual([]);
  for (const database of databases) {
    const names = (side: "source" | "target") =>
      stage[side].query("select nspname as name from pg_namespace where nspname !~ '^pg_(toast|temp)' order by 1", {
        database,
      });
    expect(await names("target")).toEqual(await names("source"));
  }
});

test("a migration that has succeeded cannot be cancelled", async () => {
  expect((await stage.client.cancel("everything")).status).toBe(409);
});

test("the passwords are in no file, log or answer", async () => {
  // What is no secret is found, so the search can find.
  const found = await stage.secretsFound(["everything"]);
  expect(found).toContain("the answers");
  expect(found.filter((place) => place.startsWith(stage.azurite.folder)).length).toBeGreaterThan(0);
  expect(await stage.secretsFound()).toEqual([]);
});
