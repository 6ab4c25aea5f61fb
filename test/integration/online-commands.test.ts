/** The ways to command an online migration beside the API: messages on the queue, and events through Durable's own endpoint. */
import { QueueClient } from "@azure/storage-queue";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { MigrationAnswer } from "../../local/migration-client.js";
import { onlineMigration, openOnlineStage, replicationLeftovers, whenDatabase } from "../fixtures/online-stage.js";
import type { Stage } from "../fixtures/stage.js";

/** A busy machine must not make a promise fail. */
const patience = { timeout: 180_000 };

let stage: Stage;
beforeAll(async () => {
  stage = await openOnlineStage({
    target: { settings: { max_logical_replication_workers: "12", max_worker_processes: "20" } },
  });
});
afterAll(async () => await stage?.close());

/** Online, of three databases, and not to start by itself. */
async function hold(name: string): Promise<string[]> {
  const databases = ["one", "two", "three"].map((number) => `${name}_${number}`);
  for (const database of databases) {
    await stage.source.query(`create database ${database}`);
    await stage.source.query("create table t (id serial primary key, v text)", { database });
    await stage.source.query("insert into t (v) select 'copied' from generate_series(1, 100)", { database });
  }
  await stage.client.start(name, onlineMigration(stage, databases, { startDataMigration: "False" }));
  await stage.client.waitForSubstate(name, "WaitingForDataMigrationScheduling");
  return databases;
}

/** Puts a message on the queue, as text or as base64: clients differ. */
async function send(message: unknown, encoding: "plain" | "base64" = "plain"): Promise<void> {
  const text = typeof message === "string" ? message : JSON.stringify(message);
  const queue = new QueueClient(stage.azurite.connectionString, "migration-commands");
  await queue.sendMessage(encoding === "plain" ? text : Buffer.from(text).toString("base64"));
}

/** POSTs to Durable's own endpoint, with the instance ID as the README has it: server and name in lower case. */
async function raise(name: string, event: string, data?: unknown): Promise<void> {
  const url = `${stage.service.url}/runtime/webhooks/durabletask/instances/target_${name}/raiseEvent/${event}`;
  // Durable's endpoint takes no event without a JSON body.
  const body = JSON.stringify(data ?? {});
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  expect(response.status).toBe(202);
}

/** Messages that were refused, with the reason. */
async function refusals(): Promise<{ message: unknown; error: { code: string; message: string } }[]> {
  const queue = new QueueClient(stage.azurite.connectionString, "migration-commands-poison");
  const { peekedMessageItems } = await queue.peekMessages({ numberOfMessages: 32 });
  return peekedMessageItems.map(({ messageText }) => JSON.parse(Buffer.from(messageText, "base64").toString()));
}

async function refused(code: string, count: number): Promise<string> {
  await expect.poll(async () => await refusals().catch(() => []), { timeout: 60_000 }).toHaveLength(count);
  const last = (await refusals()).at(-1);
  expect(last?.error.code).toBe(code);
  return last?.error.message ?? "";
}

const conflict = (code: string, words: string) => ({
  status: 409,
  body: { error: { code, message: expect.stringContaining(words) } },
});

const stateOf = ({ properties }: MigrationAnswer, database: string) =>
  properties.currentStatus.currentSubStateDetails?.dbDetails?.[database]?.migrationState;

async function reaches(name: string, database: string, state: string): Promise<MigrationAnswer> {
  return await stage.client.waitFor(
    name,
    whenDatabase(database, (details) => details.state === state),
    { limitSeconds: 90 },
  );
}

async function waitsForCutover(name: string, databases: readonly string[]): Promise<void> {
  const answer = await stage.client.waitForSubstate(name, "WaitingForCutoverTrigger", 90);
  for (const database of databases) expect(stateOf(answer, database)).toBe("WaitingForCutoverTrigger");
}

async function endedWell(name: string, databases: readonly string[]): Promise<void> {
  const end = await stage.client.waitForEnd(name);
  expect(end.properties.currentStatus).toMatchObject({
    state: "Succeeded",
    currentSubStateDetails: { currentSubState: "Completed" },
  });
  for (const database of databases) expect(await stage.differences(database)).toEqual([]);
  expect(await replicationLeftovers(stage, databases)).toEqual([]);
}

test(
  "messages on the queue start, cut over one database and then the rest, plain or in base64; wrong ones are refused with the reason, as a PATCH is, and change nothing",
  patience,
  async () => {
    const databases = await hold("queued");
    const [one = "", two = "", three = ""] = databases;
    const migration = { server: "target", name: "queued" };

    await send("cut it over, please");
    expect(await refused("InvalidCommand", 1)).toContain('"command": "Cutover"');
    await send({ migration, command: "Explode" }, "base64");
    expect(await refused("InvalidCommand", 2)).toContain('"Cutover"');
    await send({ migration: { server: "target", name: "unheard-of" }, command: "Cutover" });
    expect(await refused("MigrationNotFound", 3)).toContain("unheard-of");
    await send({ migration, command: "Cutover" });
    expect(await refused("NotWaitingForCutover", 4)).toContain("WaitingForCutoverTrigger");
    expect((await refusals()).at(-1)?.message).toEqual({ migration, command: "Cutover" });
    const early = await stage.client.patch("queued", { triggerCutover: "True" });
    expect(early).toMatchObject(conflict("NotWaitingForCutover", "when it is in WaitingForCutoverTrigger"));

    await send({ migration, command: "StartDataMigration" });
    await waitsForCutover("queued", databases);
    const stranger = { triggerCutover: "True", dbsToTriggerCutoverOn: [one, "stranger"] };
    expect(await stage.client.patch("queued", stranger)).toMatchObject({
      status: 400,
      body: { error: { code: "UnknownDatabase", message: expect.stringContaining(`use "${one}"`) } },
    });
    expect((await stage.client.get("queued")).properties.triggerCutover).toBe("False");
    await send({ migration, command: "Cutover", databases: [one, "stranger"] });
    expect(await refused("UnknownDatabase", 5)).toContain('"stranger" is no database of this migration');
    await send({ migration, command: "Cancel", databases: ["stranger"] });
    expect(await refused("InvalidRequest", 6)).toContain('"stranger" is no database of this migration');
    expect((await stage.service.log()).match(/"stranger" is no database of this migration/g)?.length).toBeGreaterThan(
      1,
    );

    await send({ migration: { server: "TARGET", name: "Queued" }, command: "Cutover", databases: [one] });
    await reaches("queued", one, "Succeeded");
    await waitsForCutover("queued", [two, three]);
    for (const database of [two, three]) {
      await stage.source.query("insert into t (v) values ('still following')", { database });
    }
    await send({ migration, command: "Cutover" }, "base64");
    await endedWell("queued", databases);
    expect(await refusals()).toHaveLength(6);
  },
);

test(
  "events through Durable's own endpoint do the same; one that comes too early or names no database of the migration does nothing",
  patience,
  async () => {
    const databases = await hold("raised");
    const [one = "", two = "", three = ""] = databases;

    await raise("raised", "Cutover", { databases: [one] });
    await raise("raised", "Cutover");
    await raise("raised", "StartDataMigration", {});
    await waitsForCutover("raised", databases);

    await raise("raised", "Cutover", { databases: ["stranger"] });
    await raise("raised", "Cancel", { databases: ["stranger"] });
    await raise("raised", "Cutover", { databases: { name: "stranger" } });
    await raise("raised", "Cutover", { databases: [one] });
    await reaches("raised", one, "Succeeded");
    // It has ended: there is nothing to cancel, and the others go on.
    await raise("raised", "Cancel", { databases: [one] });
    await waitsForCutover("raised", [two, three]);
    await raise("raised", "Cutover", { databases: two });
    await reaches("raised", two, "Succeeded");
    await waitsForCutover("raised", [three]);
    await raise("raised", "Cutover", {});
    await endedWell("raised", databases);
  },
);

test(
  "a cancel by queue or through Durable ends the databases that it names, and all when it names none",
  patience,
  async () => {
    const databases = await hold("dropped");
    const [one = "", two = "", three = ""] = databases;
    await stage.client.patch("dropped", { startDataMigration: "True" });
    await waitsForCutover("dropped", databases);

    await send({ migration: { server: "target", name: "dropped" }, command: "Cancel", databases: [one] }, "base64");
    await reaches("dropped", one, "Canceled");
    await waitsForCutover("dropped", [two, three]);
    expect(await stage.source.query("select slot_name from pg_replication_slots")).toHaveLength(2);
    await raise("dropped", "Cancel", { databases: [two] });
    await reaches("dropped", two, "Canceled");
    await waitsForCutover("dropped", [three]);
    await raise("dropped", "Cancel");
    const end = await stage.client.waitForEnd("dropped");
    expect(end.properties.currentStatus.state).toBe("Canceled");
    expect(await replicationLeftovers(stage, databases)).toEqual([]);
  },
);
