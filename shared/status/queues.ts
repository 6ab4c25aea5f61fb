/** The queues that outside parties use. */
import { enqueue, queue } from "./storage.js";

/** Creates the queues, so that an operator finds `migration-commands` in Storage Explorer and a consumer `migration-events`. */
export async function createQueues(): Promise<void> {
  await Promise.all([queue("migration-events"), queue("migration-commands")]);
}

/**
 * Puts a command that is refused beside those that the host has given up (it names the queue), with the reason: `{message, error: {code, message}}`.
 * @param message the command as it came
 */
export async function refuseCommand(message: unknown, reason: { code: string; message: string }): Promise<void> {
  await enqueue("migration-commands-poison", { message, error: { code: reason.code, message: reason.message } });
}

/** How many messages wait on a queue, about: Azure's own count is approximate. */
export async function queueDepth(name: "migration-commands" | "migration-commands-poison"): Promise<number> {
  const { approximateMessagesCount } = await (await queue(name)).getProperties();
  return approximateMessagesCount ?? 0;
}
