/** The queues that outside parties use. */
import { queue } from "./storage.js";

/** Creates the queues, so that an operator finds `migration-commands` in Storage Explorer and a consumer `migration-events`. */
export async function createQueues(): Promise<void> {
  await Promise.all([queue("migration-events"), queue("migration-commands")]);
}
