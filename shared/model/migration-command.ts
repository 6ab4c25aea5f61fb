/** A message on the queue `migration-commands`. */
import { z } from "zod";
import { DatabaseNames } from "./database-name.js";
import { Flag } from "./flag.js";
import { migrationNameProblem, serverNameProblem } from "./migration-path.js";
import { RequestError, type RequestProblem } from "./request-error.js";
import { fieldError, isObject, knownObject, oneOf, problem, readProperties } from "./request-properties.js";

export const migrationCommands = [
  "Cutover",
  "Cancel",
  "ConfirmOverwrite",
  "StartDataMigration",
  "SetupReplication",
] as const;

const shape = {
  migration: knownObject(
    {
      server: z.string(fieldError("name the target server", "must be a string")),
      name: z.string(fieldError("name the migration", "must be a string")),
    },
    "give server and name in it",
  ),
  command: z
    .unknown()
    .refine((value) => value !== undefined, fieldError(`use one of ${migrationCommands.join(", ")}`, ""))
    .pipe(oneOf(migrationCommands)),
  databases: DatabaseNames.optional(),
  force: Flag.optional(),
};

export interface MigrationCommand {
  readonly migration: { readonly server: string; readonly name: string };
  readonly command: (typeof migrationCommands)[number];
  /** For Cutover and Cancel: only these; undefined means all. */
  readonly databases: readonly string[] | undefined;
  /** For Cutover: whatever stands in its way. */
  readonly force: boolean | undefined;
}

const example = '{"migration": {"server": "…", "name": "…"}, "command": "Cutover", "databases": ["…"]}';

/**
 * Parses a message: JSON text, or what a host has parsed already.
 * @throws RequestError 400 InvalidCommand that says what is wrong with it and shows how to write it
 */
export function parseMigrationCommand(message: unknown): MigrationCommand {
  const input = typeof message === "string" ? parseJson(message) : message;
  if (!isObject(input)) {
    throw new RequestError(
      400,
      "InvalidCommand",
      `A message on migration-commands must be a JSON object. Write ${example}`,
    );
  }
  const problems: RequestProblem[] = [];
  const { migration, command, databases, force } = readProperties(input, shape, { path: "", problems });
  if (migration !== undefined) {
    const server = serverNameProblem(migration.server);
    const name = migrationNameProblem(migration.name, migration.server);
    if (server !== undefined) problems.push(problem("InvalidServerName", "migration.server", server));
    if (name !== undefined) problems.push(problem("InvalidMigrationName", "migration.name", name));
  }
  if (problems.length > 0 || migration === undefined || command === undefined) {
    const reasons = problems.map((one) => one.message).join(" ");
    throw new RequestError(
      400,
      "InvalidCommand",
      `A message on migration-commands is wrong: ${reasons} Write ${example}`,
      { details: problems },
    );
  }
  return { migration, command, databases, force };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
