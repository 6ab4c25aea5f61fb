/**
 * Table `MigrationSecrets`: the sealed passwords of a migration until it ends, PartitionKey the migration's key, RowKey its
 * migrationId: a request that loses the race for a name cannot replace the winner's passwords.
 */
import { z } from "zod";
import type { MigrationSpec, ServerEndpoint, ServerPasswords } from "../model/migration.js";
import { ServiceError } from "../model/service-error.js";
import { open, seal } from "../secrets/seal.js";
import { getMigration, specOf } from "./migrations.js";
import { type Columns, deleteRows, entity, getRow, isStatus, mergeRow, odata, table } from "./storage.js";

const SecretColumns = z.object({ sourcePassword: z.string(), targetPassword: z.string() });

/** Whose passwords they are: of which migration, for whom at which servers. */
export type SecretsFor = Pick<MigrationSpec, "key" | "source" | "target">;

/** Seals and stores the passwords of a migration that is being created. */
export async function saveSecrets(whose: SecretsFor, migrationId: string, passwords: ServerPasswords): Promise<void> {
  await mergeRow("MigrationSecrets", whose.key, migrationId, sealed(whose, migrationId, passwords));
}

/**
 * Seals and stores other passwords in place of those that are there.
 * @returns false when there are none any more: the migration is ending, and nothing may be kept after it.
 */
export async function replaceSecrets(
  whose: SecretsFor,
  migrationId: string,
  passwords: ServerPasswords,
): Promise<boolean> {
  const client = await table("MigrationSecrets");
  try {
    await client.updateEntity(entity(whose.key, migrationId, sealed(whose, migrationId, passwords)), "Merge");
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
  if (migration === undefined || row === undefined) {
    throw new ServiceError(
      "SecretsMissing",
      "The passwords of this migration are not stored any more: they are deleted when it ends. Create a new migration.",
      { target: key },
    );
  }
  const { sourcePassword, targetPassword } = SecretColumns.parse(row);
  const whose = specOf(migration);
  const opened = (side: "source" | "target", text: string) => openFor(side, text, whose, migration.migrationId);
  return { source: opened("source", sourcePassword), target: opened("target", targetPassword) };
}

/**
 * @throws ServiceError SecretsDamaged: who writes to the storage account must not be able to have a password sent to a server, or in a way, that it was
 * not given for.
 */
function openFor(side: "source" | "target", text: string, whose: SecretsFor, migrationId: string): string {
  try {
    return open(text, purpose(side, whose, migrationId));
  } catch (error) {
    if (!(error instanceof ServiceError && error.code === "SecretsDamaged")) throw error;
    const { host, port, user, sslMode } = whose[side];
    throw new ServiceError(
      "SecretsDamaged",
      `The password of the ${side} does not belong to user ${user} of ${host}:${port} with sslMode ${sslMode}: it, or the server's address in the storage ` +
        "account, was altered. It was sent nowhere. Find out who writes to the account, cancel this migration, and create a new one.",
      { target: whose.key },
    );
  }
}

/** What a password is bound to. A value that were between two others would make one text of two. */
function purpose(side: "source" | "target", { key, ...servers }: SecretsFor, migrationId: string): string {
  const { host, port, user, sslMode, authentication }: ServerEndpoint = servers[side];
  return JSON.stringify([key, migrationId, side, host, port, user, sslMode, authentication ?? "Password"]);
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

function sealed(whose: SecretsFor, migrationId: string, { source, target }: ServerPasswords): Columns {
  return {
    sourcePassword: seal(source, purpose("source", whose, migrationId)),
    targetPassword: seal(target, purpose("target", whose, migrationId)),
    savedOn: new Date(),
  };
}
