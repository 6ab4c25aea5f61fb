/**
 * How an activity ends, for its orchestration: with a value, or with a failure that trying again would not mend. What could go away by itself
 * (a lost connection, a deadlock) is thrown instead, so that Durable's retry policy applies.
 */
import { z } from "zod";

export const Failure = z.object({
  /** ARM-style PascalCase code, or PostgreSQL's SQLSTATE. */
  code: z.string(),
  /** What it is about: a server, a database, a table. */
  target: z.string().optional(),
  /** The server's own words and what to do about it. Never holds a secret. */
  message: z.string(),
});
export type Failure = z.infer<typeof Failure>;

export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: Failure };

/** The failure of an activity that stopped because its database (or the whole migration) is being cancelled. */
export const canceled: Failure = { code: "Canceled", message: "Canceled on request." };

export function isCanceled(failure: Failure): boolean {
  return failure.code === canceled.code;
}

/** What the message of an activity begins with that met a fault of the platform: its orchestration tries it again for as long as it lives. */
export const platformFault = "The service's own storage does not answer:";

/** Whether an activity was thrown off by such a fault; Durable puts words of its own before the activity's. */
export function isOfPlatform(error: unknown): boolean {
  return (error instanceof Error ? error.message : String(error)).includes(platformFault);
}

/** Whether the base copy of the database has to start again from a new snapshot. */
export function isSnapshotLost(failure: Failure): boolean {
  return failure.code === "SnapshotLost";
}

/** Failures of a cutover that following again would not mend: changes are lost, or the sides differ, or nobody wants it any more. */
const endingFollowing: ReadonlySet<string> = new Set([
  canceled.code,
  "SlotLost",
  "SubscriptionLost",
  "PublicationLost",
  "RowsDiffer",
  "SecretsMissing",
  "MigrationNotFound",
  "DatabaseNotFound",
]);

/** Whether a cutover that failed so ends its migration: otherwise the target follows the source again, and it can be triggered anew. */
export function endsFollowing(failure: Failure): boolean {
  return endingFollowing.has(failure.code);
}
