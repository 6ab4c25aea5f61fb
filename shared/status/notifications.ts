/**
 * Queue `migration-notifications`: the events of migrations that have a webhook, until it has taken them. The webhook itself, address and secret, is
 * sealed: in the migration's row until that ends, and in each message.
 */
import { z } from "zod";
import type { Notifications } from "../model/notifications.js";
import { seal } from "../secrets/seal.js";
import { enqueue } from "./storage.js";

export const Notification = z.object({
  key: z.string(),
  /** Sealed; see sealWebhook(). */
  webhook: z.string(),
  /** 1, and one more with every further attempt. */
  attempt: z.number().int(),
  event: z.looseObject({ id: z.string() }),
});
export type Notification = z.infer<typeof Notification>;

const Webhook = z.object({ url: z.string(), secret: z.string().optional() });

/** The webhook as the row and the messages of its migration have it. */
export function sealWebhook(key: string, { url, secret }: Notifications): string {
  return seal(JSON.stringify({ url, secret }), key);
}

/** @param opened what open() has made of it */
export function webhookOf(opened: string): Notifications {
  return Webhook.parse(JSON.parse(opened));
}

/** Puts an event on the queue, for its first attempt. */
export async function queueNotification(key: string, webhook: string, event: { readonly id: string }): Promise<void> {
  await enqueue("migration-notifications", { key, webhook, attempt: 1, event });
}

/** Puts it there again, to be seen in so many seconds. */
export async function putOffNotification(notification: Notification, seconds: number): Promise<void> {
  await enqueue("migration-notifications", { ...notification, attempt: notification.attempt + 1 }, seconds);
}

/** Puts it beside what the host has given up. The webhook's address is left out. */
export async function giveUpNotification({ key, event }: Notification, problem: string): Promise<void> {
  await enqueue("migration-notifications-poison", {
    key,
    event,
    error: { code: "NotificationFailed", message: problem },
  });
}
