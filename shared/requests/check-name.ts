/** POST …/checkMigrationNameAvailability. */
import { z } from "zod";
import { documented } from "../model/documented.js";
import { migrationKey } from "../model/migration.js";
import { migrationNameProblem } from "../model/migration-path.js";
import { RequestError, type RequestProblem, refuseIfAny } from "../model/request-error.js";
import { fieldError, isObject, problem, readProperties } from "../model/request-properties.js";
import { migrationType } from "../model/resource-id.js";
import { getMigration } from "../status/migrations.js";

const shape = {
  name: documented(z.string(fieldError("give the name to check", "must be a string")), "The name to check."),
  type: documented(z.string(fieldError(`write "${migrationType}"`, "must be a string")), `\`${migrationType}\``),
};

/** The body as documentation shows it. */
export const NameCheckBody = z.object(shape);

export const NameAvailability = z.strictObject({
  name: documented(z.string(), "As the request has it."),
  type: documented(z.string(), "As the request has it."),
  nameAvailable: documented(z.boolean(), "Whether a migration of this name can be created."),
  reason: documented(z.enum(["Invalid", "AlreadyExists"]).optional(), "Why not."),
  message: documented(z.string().optional(), "Why not, and what to do."),
});

/**
 * Whether a migration of this name can be created under the server.
 * @throws RequestError 400
 */
export async function checkMigrationName(server: string, body: unknown): Promise<z.infer<typeof NameAvailability>> {
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
