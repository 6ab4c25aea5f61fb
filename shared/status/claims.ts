/**
 * Table `MigrationClaims`: which migration has which target database, PartitionKey `host:port` of the target, RowKey the
 * database. Two active migrations may not touch the same target database; the claims of one target are written in one
 * transaction, so of two requests at the same time one is refused.
 */
import type { TransactionAction } from "@azure/data-tables";
import { z } from "zod";
import type { MigrationSpec } from "../model/migration.js";
import { hasEnded } from "../model/states.js";
import { entityKey } from "./entity-key.js";
import { getMigration } from "./migrations.js";
import { entity, getRow, isStatus, odata, queryRows, table, transact } from "./storage.js";

/**
 * Between its claims and its row a request needs seconds. A claim this old without a migration behind it is left over from a
 * request that died; it exceeds functionTimeout, so nobody can be still about to write that row.
 */
const abandonedAfterMs = 15 * 60_000;

const ClaimColumns = z.object({
  etag: z.string(),
  migrationKey: z.string(),
  migrationName: z.string(),
  server: z.string(),
  claimedOn: z.coerce.date(),
});

export interface ClaimConflict {
  readonly database: string;
  /** The migration that has the database, and the target server it is under. */
  readonly migration: string;
  readonly server: string;
}

type Claimant = Pick<MigrationSpec, "key" | "server" | "name" | "target" | "databases">;

/**
 * Claims the migration's target databases, all or none; claiming what it already has is no change.
 * @returns the first database that another active migration has, or undefined when all are claimed.
 */
export async function claimDatabases(spec: Claimant): Promise<ClaimConflict | undefined> {
  const partitionKey = targetKey(spec);
  for (;;) {
    const actions: TransactionAction[] = [];
    for (const database of spec.databases) {
      const rowKey = entityKey(database);
      const columns = {
        database,
        migrationKey: spec.key,
        migrationName: spec.name,
        server: spec.server,
        claimedOn: new Date(),
      };
      const row = await getRow("MigrationClaims", partitionKey, rowKey);
      if (row === undefined) {
        actions.push(["create", entity(partitionKey, rowKey, columns)]);
        continue;
      }
      const claim = ClaimColumns.parse(row);
      if (claim.migrationKey !== spec.key && (await isHeld(claim))) {
        return { database, migration: claim.migrationName, server: claim.server };
      }
      actions.push(["update", entity(partitionKey, rowKey, columns), "Replace", { etag: claim.etag }]);
    }
    try {
      await transact("MigrationClaims", actions);
      return undefined;
    } catch (error) {
      // Somebody claimed or released in between: look again. The other one gets through, so this ends.
      if (!isStatus(error, 409) && !isStatus(error, 412) && !isStatus(error, 404)) throw error;
    }
  }
}

/** Gives up the claims of a migration: all of them, or those on some databases of one target. Without any it does nothing. */
export async function releaseClaims(
  key: string,
  only?: { target: MigrationSpec["target"]; databases: readonly string[] },
): Promise<void> {
  const client = await table("MigrationClaims");
  const filter = only
    ? odata`PartitionKey eq ${targetKey(only)} and migrationKey eq ${key}`
    : odata`migrationKey eq ${key}`;
  for await (const row of queryRows("MigrationClaims", filter)) {
    const { partitionKey = "", rowKey = "", etag, database } = row;
    if (only !== undefined && !only.databases.includes(String(database))) continue;
    try {
      // With its ETag: once the migration has ended, another may be taking the claim over.
      await client.deleteEntity(partitionKey, rowKey, { etag });
    } catch (error) {
      if (!isStatus(error, 404) && !isStatus(error, 412)) throw error;
    }
  }
}

/** Gives up the claims of a migration on databases that are not among its own (any more). */
export async function releaseClaimsBut(spec: Claimant): Promise<void> {
  const names: string[] = [];
  for await (const { database } of queryRows("MigrationClaims", odata`migrationKey eq ${spec.key}`)) {
    if (!spec.databases.includes(String(database))) names.push(String(database));
  }
  if (names.length > 0) await releaseClaims(spec.key, { target: spec.target, databases: names });
}

async function isHeld(claim: z.infer<typeof ClaimColumns>): Promise<boolean> {
  const migration = await getMigration(claim.migrationKey);
  if (migration !== undefined) return !hasEnded(migration.state);
  return Date.now() - claim.claimedOn.getTime() < abandonedAfterMs;
}

function targetKey({ target }: Pick<Claimant, "target">): string {
  return entityKey(`${target.host.toLowerCase()}:${target.port}`);
}
