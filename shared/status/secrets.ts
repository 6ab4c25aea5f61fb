/**
 * Table `MigrationSecrets`: the sealed passwords of a migration until it ends, PartitionKey the migration's key, RowKey its
 * migrationId: a request that loses the race for a name cannot replace the winner's passwords.
 */
import { z } from "zod";
import type { ServerPasswords } from "../model/migration.js";
import { ServiceError } from "../model/service-error.js";
import { open, seal } from "../secrets/seal.js";
import { getMigration } from "./migrations.js";
import { type Columns, deleteRows, entity, getRow, isStatus, mergeRow, odata, table } from "./storage.js";

const SecretColumns = z.object({ sourcePassword: z.string(), targetPassword: z.string() });

/** Seals and stores the passwords of a migration that is being created. */
export async function saveSecrets(key: string, migrationId: string, passwords: ServerPasswords): Promise<void> {
  await mergeRow("MigrationSecrets", key, migrationId, sealed(key, passwords));
}

/**
 * Seals and stores other passwords in place of those that are there.
 * @returns false when there are none any more: the migration is ending, and nothing may be kept after it.
 */
export async function replaceSecrets(key: string, migrationId: string, passwords: ServerPasswords): Promise<boolean> {
  const client = await table("MigrationSecrets");
  try {
    await client.updateEntity(entity(key, migrationId, sealed(key, passwords)), "Merge");
    return true;
  } catch (error) {
    if (isStatus(error, 404)) return false;
    throw error;
  }
}

/**
 * The passwords of a migration.
 * @throws ServiceError SecretsMissing after they were deleted, and what open() throws.
 */
export async function loadSecrets(key: string): Promise<ServerPasswords> {
  const migration = await getMigration(key);
  const row = migration && (await getRow("MigrationSecrets", key, migration.migrationId));
  if (row === undefined) {
    throw new ServiceError(
      "SecretsMissing",
      "The passwords of this migration are not stored any more: they are deleted when it ends. Create a new migration.",
      { target: key },
    );
  }
  const { sourcePassword, targetPassword } = SecretColumns.parse(row);
  return { source: open(sourcePassword, key), target: open(targetPassword, key) };
}

/** Deletes the passwords of a migration, or only those of one attempt to create it; without any it does nothing. */
export async function deleteSecrets(key: string, migrationId?: string): Promise<void> {
  await deleteRows(
    "MigrationSecrets",
    migrationId === undefined
      ? odata`PartitionKey eq ${key}`
      : odata`PartitionKey eq ${key} and RowKey eq ${migrationId}`,
  );
}

function sealed(key: string, { source, target }: ServerPasswords): Columns {
  return { sourcePassword: seal(source, key), targetPassword: seal(target, key), savedOn: new Date() };
}
