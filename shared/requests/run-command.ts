/** Carries out an operator's command from the queue: the same as a PATCH, with the same refusals. */

import { migrationKey } from "../model/migration.js";
import type { MigrationCommand } from "../model/migration-command.js";
import type { PatchedProperties } from "../model/migration-patch.js";
import { RequestError } from "../model/request-error.js";
import { getMigration } from "../status/migrations.js";
import type { Orchestrations } from "./orchestrations.js";
import { patchMigration } from "./update-migration.js";

/** @throws RequestError 404 when there is no such migration, 400 or 409 when the command is none for it or its state does not allow it */
export async function runCommand(
  { migration, command, databases, force }: MigrationCommand,
  orchestrations: Orchestrations,
) {
  const key = migrationKey(migration.server, migration.name);
  const row = await getMigration(key);
  if (row === undefined) {
    throw new RequestError(
      404,
      "MigrationNotFound",
      `There is no migration ${migration.name} of server ${migration.server}: check the names in the message.`,
    );
  }
  await patchMigration(
    { ...row, key },
    { tags: undefined, properties: patchOf(command, databases, force) },
    orchestrations,
  );
}

function patchOf(
  command: MigrationCommand["command"],
  databases: readonly string[] | undefined,
  force: boolean | undefined,
): PatchedProperties {
  const named = databases === undefined ? undefined : [...databases];
  switch (command) {
    case "Cancel":
      return { cancel: true, dbsToCancelMigrationOn: named };
    case "Cutover":
      return { triggerCutover: true, dbsToTriggerCutoverOn: named, forceCutover: force };
    case "ConfirmOverwrite":
      return { overwriteDbsInTarget: true };
    case "StartDataMigration":
      return { startDataMigration: true };
    case "SetupReplication":
      return { setupLogicalReplicationOnSourceDbIfNeeded: true };
  }
}
