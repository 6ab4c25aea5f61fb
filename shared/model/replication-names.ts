/**
 * What an online migration's objects are called on both servers: a pure function of the migration and the database, so that a second run
 * finds what a first one made, and a clean-up finds everything. Hex and [a-z0-9_] only, at most 63 bytes: a slot's name allows no more
 * (PostgreSQL docs, "Replication Slots").
 */
import { createHash } from "node:crypto";

export interface ReplicationNames {
  /** What all of them start with; nobody else's object does. */
  readonly prefix: string;
  /** The slot on the source, and the subscription on the target. */
  readonly slot: string;
  readonly subscription: string;
  /** Tables whose every change is published: those that a row of can be told by its replica identity. */
  readonly allChanges: string;
  /** Tables without a replica identity: publishing their updates would make the source refuse them. */
  readonly insertsOnly: string;
  /** No table at all: with it the target tries its way to the source. */
  readonly nothing: string;
}

/** What the names of every online migration's objects start with, whoever's it is. */
export const anyMigrationPrefix = "pgmig_";

/** @param attempt which run of the base copy they are for: each has objects of its own. */
export function replicationNames(key: string, database: string, attempt: number): ReplicationNames {
  const prefix = replicationPrefix(key, database);
  return {
    prefix,
    slot: `${prefix}${attempt}`,
    subscription: `${prefix}${attempt}`,
    allChanges: `${prefix}${attempt}`,
    insertsOnly: `${prefix}${attempt}_inserts`,
    nothing: `${prefix}${attempt}_nothing`,
  };
}

/** Whether a name is one that replicationNames() gives. A user's publication may well start as ours do: it is his. */
export function isReplicationName(name: string): boolean {
  return /^pgmig_[a-z0-9_]{0,20}_[0-9a-f]{12}_[0-9]+(_inserts|_nothing)?$/.test(name);
}

/** What the names of all objects of one database of a migration start with. */
export function replicationPrefix(key: string, database: string): string {
  const migration = key
    .slice(key.indexOf("_") + 1)
    .replaceAll(/[^a-z0-9]/g, "_")
    .slice(0, 20);
  const hash = createHash("sha256").update(`${key}\0${database}`).digest("hex").slice(0, 12);
  return `${anyMigrationPrefix}${migration}_${hash}_`;
}
