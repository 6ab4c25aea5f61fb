import { setTimeout as sleep } from "node:timers/promises";
import type { DequeuedMessageItem, QueueClient } from "@azure/storage-queue";
import type { HostJson } from "../host-json.js";
import type { Pool } from "../instances/pool.js";
import type { Log } from "../log.js";
import type { InvocationResponse, NamedData, TypedData } from "../worker/protocol.js";

/** A message is invisible this long while its function runs, and the time is renewed: a killed host gives it back soon. */
const LEASE_SECONDS = 30;
const FIRST_WAIT_MS = 100;
/** The Functions host waits up to a minute between polls of an empty queue; a developer's machine need not. */
const DEFAULT_MAX_WAIT_MS = 1_000;

export interface QueueTriggerOptions {
  functionName: string;
  bindingName: string;
  queue: QueueClient;
  poisonQueue: QueueClient;
  settings: HostJson["extensions"]["queues"];
  extraInputs: NamedData[];
  pool: Pool;
  log: Log;
  writeOutputs: (functionName: string, response: InvocationResponse) => Promise<void>;
}

/** Runs a function for every message of a queue; a message that fails too often goes to {queue}-poison. */
export class QueueTrigger {
  readonly #options: QueueTriggerOptions;
  readonly #abort = new AbortController();
  #running = 0;
  #loop: Promise<void> | undefined;

  constructor(options: QueueTriggerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#loop = this.#poll();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#loop;
  }

  async #poll(): Promise<void> {
    const { queue, settings, log, functionName } = this.#options;
    const most = settings.maxPollingInterval ?? DEFAULT_MAX_WAIT_MS;
    let wait = FIRST_WAIT_MS;
    let exists = false;
    while (!this.#abort.signal.aborted) {
      try {
        if (!exists) {
          await queue.createIfNotExists();
          exists = true;
        }
        const room = settings.batchSize - this.#running;
        const messages = room > 0 ? await this.#receive(room) : [];
        for (const message of messages) {
          void this.#process(message);
        }
        wait = messages.length > 0 ? FIRST_WAIT_MS : Math.min(wait * 2, most);
      } catch (error) {
        log.warn(`Function.${functionName}`, `Queue ${queue.name}: ${error instanceof Error ? error.message : error}`);
        exists = false;
        wait = Math.max(wait, 1_000);
      }
      await sleep(wait, undefined, { signal: this.#abort.signal }).catch(() => {});
    }
  }

  async #receive(count: number): Promise<DequeuedMessageItem[]> {
    const { receivedMessageItems } = await this.#options.queue.receiveMessages({
      numberOfMessages: Math.min(count, 32),
      visibilityTimeout: LEASE_SECONDS,
    });
    return receivedMessageItems;
  }

  async #process(message: DequeuedMessageItem): Promise<void> {
    const { functionName, log, queue } = this.#options;
    this.#running++;
    try {
      await this.#run(message);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      log.warn(`Function.${functionName}`, `Queue ${queue.name}, message ${message.messageId}: ${text}`);
    } finally {
      this.#running--;
    }
  }

  async #run(message: DequeuedMessageItem): Promise<void> {
    const { functionName, bindingName, queue, settings, extraInputs, pool, writeOutputs } = this.#options;
    const { messageId, messageText } = message;
    // Every renewal changes the receipt, so the last one must be known before the message is deleted.
    let receipt = Promise.resolve(message.popReceipt);
    const renewal = setInterval(() => {
      receipt = receipt.then(async (current) => {
        // When it fails, the message comes back once its lease ends.
        const renewed = await queue
          .updateMessage(messageId, current, messageText, LEASE_SECONDS)
          .catch(() => undefined);
        return renewed?.popReceipt ?? current;
      });
    }, LEASE_SECONDS * 500);
    const outcome = await pool.invoke(
      {
        functionName,
        inputData: [
          { name: bindingName, data: toTypedData(decode(messageText, settings.messageEncoding)) },
          ...extraInputs,
        ],
        triggerMetadata: metadataOf(message, queue.name),
      },
      "other",
    );
    clearInterval(renewal);
    const popReceipt = await receipt;
    if (outcome.kind === "succeeded") {
      await writeOutputs(functionName, outcome.response);
      await queue.deleteMessage(messageId, popReceipt);
    } else if (outcome.kind === "lost") {
      await queue.updateMessage(messageId, popReceipt, messageText, 0);
    } else if (message.dequeueCount >= settings.maxDequeueCount) {
      await this.#poison(message, popReceipt);
    } else {
      await queue.updateMessage(messageId, popReceipt, messageText, Math.round(settings.visibilityTimeout / 1000));
    }
  }

  async #poison({ messageId, messageText, dequeueCount }: DequeuedMessageItem, popReceipt: string): Promise<void> {
    const { queue, poisonQueue, log, functionName } = this.#options;
    log.warn(
      `Function.${functionName}`,
      `Message ${messageId} has reached MaxDequeueCount of ${dequeueCount}. Moving message to queue '${poisonQueue.name}'.`,
    );
    await poisonQueue.createIfNotExists();
    await poisonQueue.sendMessage(messageText);
    await queue.deleteMessage(messageId, popReceipt);
  }
}

function metadataOf(message: DequeuedMessageItem, queueName: string): Record<string, TypedData> {
  return {
    QueueTrigger: { string: message.messageText },
    Queue: { string: queueName },
    Id: { string: message.messageId },
    DequeueCount: { json: String(message.dequeueCount) },
    InsertionTime: { json: JSON.stringify(message.insertedOn) },
    ExpirationTime: { json: JSON.stringify(message.expiresOn) },
    NextVisibleTime: { json: JSON.stringify(message.nextVisibleOn) },
    PopReceipt: { string: message.popReceipt },
  };
}

/** A message that is no base64 is taken as it is: people type plain text into Storage Explorer. */
function decode(text: string, encoding: "base64" | "none"): string {
  if (encoding === "none" || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    return text;
  }
  const bytes = Buffer.from(text, "base64");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return text;
  }
}

function toTypedData(text: string): TypedData {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { json: text } : { string: text };
  } catch {
    return { string: text };
  }
}
