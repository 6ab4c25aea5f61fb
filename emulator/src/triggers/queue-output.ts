import type { QueueClient } from "@azure/storage-queue";
import type { FunctionMetadata, InvocationResponse, TypedData } from "../worker/protocol.js";

/** Sends what a function's response holds for its queue outputs; an array is one message an element. */
export async function writeQueueOutputs(
  metadata: FunctionMetadata,
  response: InvocationResponse,
  encoding: "base64" | "none",
  queueOf: (queueName: string, connection: unknown) => QueueClient,
): Promise<void> {
  for (const [name, binding] of Object.entries(metadata.bindings)) {
    if (binding.type !== "queue" || binding.direction !== "out") {
      continue;
    }
    const data =
      name === "$return" ? response.returnValue : response.outputData.find((output) => output.name === name)?.data;
    const messages = messagesOf(data);
    if (messages.length === 0) {
      continue;
    }
    const queue = queueOf(String(binding.queueName), binding.connection);
    await queue.createIfNotExists();
    for (const message of messages) {
      await queue.sendMessage(
        encoding === "base64" ? Buffer.from(message).toString("base64") : Buffer.from(message).toString("utf8"),
      );
    }
  }
}

function messagesOf(data: TypedData | null | undefined): (string | Uint8Array)[] {
  if (data === null || data === undefined) {
    return [];
  }
  if (data.json !== undefined) {
    const value: unknown = JSON.parse(data.json);
    return Array.isArray(value)
      ? value.map((item) => (typeof item === "string" ? item : JSON.stringify(item)))
      : [JSON.stringify(value)];
  }
  const single = data.string ?? data.bytes ?? data.int?.toString() ?? data.double?.toString();
  return single === undefined ? [] : [single];
}
