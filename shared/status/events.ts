/**
 * Queue `migration-events`: one CloudEvents 1.0 message (JSON, structured mode) for every change of state or substate. A
 * migration with a webhook has them sent there too, by way of the queue `migration-notifications`.
 */
import type { MigrationMode, MigrationOption } from "../model/migration.js";
import { migrationResourceId } from "../model/resource-id.js";
import type { MigrationState, MigrationSubstate } from "../model/states.js";
import { queueNotification } from "./notifications.js";
import { enqueue } from "./storage.js";

/** A queue message has 64 KiB, 48 KiB of them left by base64; an error is cut to this many characters in an event. */
const maximumError = 8_000;

export interface AnnouncedMigration {
  readonly key: string;
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly server: string;
  readonly name: string;
  readonly migrationId: string;
  readonly mode: MigrationMode;
  readonly option: MigrationOption;
  /** Sealed; see notifications.ts. */
  readonly notifications?: string | undefined;
}

/** Enqueues the event of a transition. Its id is the same whenever the transition is announced again, and no other migration's, of the same name neither. */
export async function announceTransition(
  migration: AnnouncedMigration,
  transition: {
    sequence: number;
    state: MigrationState;
    substate?: MigrationSubstate | undefined;
    error?: string | undefined;
  },
  time: Date,
): Promise<void> {
  const event = {
    specversion: "1.0",
    id: `${migration.migrationId}/${transition.sequence}`,
    source: migrationResourceId(migration),
    type: "com.postgres-migration.migration.state",
    subject: migration.name,
    time: time.toISOString(),
    datacontenttype: "application/json",
    data: {
      state: transition.state,
      substate: transition.substate,
      error: transition.error?.slice(0, maximumError),
      sequence: transition.sequence,
      server: migration.server,
      migration: migration.name,
      migrationId: migration.migrationId,
      mode: migration.mode,
      option: migration.option,
    },
  };
  await enqueue("migration-events", event);
  if (migration.notifications !== undefined) await queueNotification(migration.key, migration.notifications, event);
}
