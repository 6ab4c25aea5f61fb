/** Delivering what shared/status/events.ts has put on the queue `migration-notifications`, again and again until the receiver has taken it. */
import { open } from "../secrets/seal.js";
import { getMigration, updateMigration } from "../status/migrations.js";
import { giveUpNotification, Notification, putOffNotification, webhookOf } from "../status/notifications.js";
import { postEvent } from "./post-event.js";

/** Seconds before each further attempt: about a day in all, so that a receiver may be mended in the morning. */
const waits = [5, 15, 60, 300, 900, 3_600, 10_800, 21_600, 43_200];

/**
 * One attempt.
 * @returns what was in the way, for the log; undefined when it was delivered
 */
export async function deliverNotification(message: unknown): Promise<string | undefined> {
  const notification = Notification.parse(message);
  const { key, attempt, event, webhook } = notification;
  const problem = await postEvent(webhookOf(open(webhook, key)), event);
  if (problem === undefined) {
    await noteDelivery(key, "");
    return undefined;
  }
  const wait = waits[attempt - 1];
  if (wait === undefined) {
    await giveUpNotification(notification, problem);
    const told = `Event ${event.id} was not delivered in ${attempt} attempts, the last: ${problem}. It is in migration-notifications-poison.`;
    await noteDelivery(key, told);
    return told;
  }
  await putOffNotification(notification, wait);
  const told = `Event ${event.id} was not delivered (attempt ${attempt}): ${problem}. It is sent again in ${wait} s.`;
  await noteDelivery(key, told);
  return told;
}

/** Notes with the migration what is in the way of its notifications; "" when one has got through. */
async function noteDelivery(key: string, problem: string): Promise<void> {
  const migration = await getMigration(key);
  if (migration === undefined || (migration.notificationProblem ?? "") === problem) return;
  await updateMigration(key, { notificationProblem: problem });
}
