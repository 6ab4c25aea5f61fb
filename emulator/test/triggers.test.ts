import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { QueueServiceClient } from "@azure/storage-queue";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HostProcess, startStorage, temporaryDirectory, until } from "./host-process.js";

let storage: Awaited<ReturnType<typeof startStorage>>;
let host: HostProcess;
let timerLog: string;

beforeAll(async () => {
  storage = await startStorage();
  const directory = temporaryDirectory();
  timerLog = path.join(directory, "timer.log");
  host = await HostProcess.start({
    directory,
    environment: { AzureWebJobsStorage: storage.connectionString, TIMER_LOG: timerLog, QUEUE_NAME: "commands" },
  });
});

afterAll(async () => {
  await host?.stop();
  await storage?.stop();
});

const queue = (name: string) => QueueServiceClient.fromConnectionString(storage.connectionString).getQueueClient(name);

async function send(name: string, text: string): Promise<void> {
  await queue(name).createIfNotExists();
  await queue(name).sendMessage(text);
}

/** Takes the next message off the queue, decoded. */
async function take(name: string, limitMs = 20_000): Promise<string> {
  let text: string | undefined;
  await queue(name).createIfNotExists();
  await until(async () => {
    const { receivedMessageItems } = await queue(name).receiveMessages();
    const [message] = receivedMessageItems;
    if (message !== undefined) {
      await queue(name).deleteMessage(message.messageId, message.popReceipt);
      text = Buffer.from(message.messageText, "base64").toString();
    }
    return message !== undefined;
  }, limitMs);
  return text ?? "";
}

const base64 = (text: string) => Buffer.from(text).toString("base64");

describe("a queue trigger", () => {
  test("gets JSON as an object, and what it returns goes to its output queue", async () => {
    await send("commands", base64(JSON.stringify({ name: "Cutover", ünï: [1] })));
    expect(JSON.parse(await take("results"))).toEqual({ received: { name: "Cutover", ünï: [1] }, dequeueCount: 1 });
  });

  test("takes plain text that somebody typed without base64", async () => {
    await send("commands", '{"typed":true}');
    expect(JSON.parse(await take("results"))).toMatchObject({ received: { typed: true } });
  });

  test("that keeps failing gives the message to the poison queue, after as many tries as host.json says", async () => {
    await send("commands", base64('{"poison":1}'));
    expect(await take("commands-poison")).toBe('{"poison":1}');
    expect(host.log.match(/Function\.fromQueue: Executed \(Failed/g)).toHaveLength(2);
  });
});

test("an output binding beside the answer sends each element of an array as a message", async () => {
  const response = await host.fetch("enqueue", { method: "POST", body: JSON.stringify([{ n: 1 }, { n: 2 }]) });
  expect(response.status).toBe(202);
  expect([await take("results"), await take("results")]).toEqual(['{"n":1}', '{"n":2}']);
});

test("a timer fires every time it is due, once", async () => {
  const lines = () => (existsSync(timerLog) ? readFileSync(timerLog, "utf8").trim().split("\n") : []);
  await until(() => lines().length >= 3, 20_000);
  const next = lines().map((line) => (JSON.parse(line) as { scheduleStatus: { next: string } }).scheduleStatus.next);
  expect(new Set(next).size).toBe(next.length);
});
