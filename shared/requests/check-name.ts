/** POST …/checkMigrationNameAvailability. */
import { z } from "zod";
import { migrationKey } from "../model/migration.js";
import { migrationNameProblem } from "../model/migration-path.js";
import { RequestError, type RequestProblem, refuseIfAny } from "../model/request-error.js";
import { fieldError, isObject, problem, readProperties } from "../model/request-properties.js";
import { migrationType } from "../model/resource-id.js";
import { getMigration } from "../status/migrations.js";

const shape = {
  name: z.string(fieldError("give the name to check", "must be a string")),
  type: z.string(fieldError(`write "${migrationType}"`, "must be a string")),
};

/**
 * Whether a migration of this name can be created under the server.
 * @throws RequestError 400
 */
export async function checkMigrationName(server: string, body: unknown) {
  if (!isObject(body)) {
    throw new RequestError(
      400,
      "InvalidRequest",
      `The body must be a JSON object: {"name": "…", "type": "${migrationType}"}.`,
    );
  }
  const problems: RequestProblem[] = [];
  const { name = "", type = "" } = readProperties(body, shape, {
    path: "",
    ignored: ["nameAvailable", "reason", "message"],
    problems,
  });
  if (type !== "" && type.toLowerCase() !== migrationType.toLowerCase()) {
    problems.push(problem("InvalidPropertyValue", "type", `must be "${migrationType}"`));
  }
  refuseIfAny(problems);
  const invalid = migrationNameProblem(name, server);
  if (invalid !== undefined) {
    return { name, type, nameAvailable: false, reason: "Invalid", message: `The name ${invalid}.` };
  }
  if ((await getMigration(migrationKey(server, name))) !== undefined) {
    const message = `Server ${server} has a migration of that name already (names are compared without case): choose another name.`;
    return { name, type, nameAvailable: false, reason: "AlreadyExists", message };
  }
  return { name, type, nameAvailable: true };
}
