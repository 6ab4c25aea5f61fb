/** The servers' passwords: from the properties file, a file of their own, the environment, or a prompt; never an argument. */
import { readFile } from "node:fs/promises";
import password from "@inquirer/password";
import { usageError } from "./command-error.js";
import { fieldOf, isObject, type JsonObject, setField } from "./properties-file.js";

export interface PasswordOptions {
  readonly sourcePasswordFile?: string | undefined;
  readonly targetPasswordFile?: string | undefined;
}

const sides = {
  source: { field: "sourceServerPassword", variable: "PGMIGRATE_SOURCE_PASSWORD", option: "--source-password-file" },
  target: { field: "targetServerPassword", variable: "PGMIGRATE_TARGET_PASSWORD", option: "--target-password-file" },
} as const;

export type Side = keyof typeof sides;

/**
 * The properties with the passwords of these sides filled in. A password file wins over the environment, that over the
 * properties file; what is in none of them is asked for on a terminal.
 * @param optional a side that is left out when nobody gives its password
 * @throws CommandError when a password is missing and there is nobody to ask
 */
export async function withPasswords(
  properties: JsonObject,
  wanted: readonly Side[],
  options: PasswordOptions,
  optional = false,
): Promise<JsonObject> {
  const secretParameters = objectIn(properties, "secretParameters");
  const adminCredentials = objectIn(secretParameters, "adminCredentials");
  let filled = adminCredentials;
  for (const side of wanted) {
    if (entraFor(properties, side)) continue;
    const text = await passwordOf(side, fieldOf(adminCredentials, sides[side].field), options, optional);
    if (text !== undefined) filled = setField(filled, sides[side].field, text);
  }
  return setField(properties, "secretParameters", setField(secretParameters, "adminCredentials", filled));
}

/** A secret in a file of its own; the line break that editors put at the end does not belong to it. */
export async function readSecretFile(file: string): Promise<string> {
  try {
    return (await readFile(file, "utf8")).replace(/\r?\n$/, "");
  } catch (error) {
    throw usageError(`${file} cannot be read (${error instanceof Error ? error.message : error}).`, { cause: error });
  }
}

async function passwordOf(side: Side, given: unknown, options: PasswordOptions, optional: boolean): Promise<unknown> {
  const { variable, option } = sides[side];
  const file = side === "source" ? options.sourcePasswordFile : options.targetPasswordFile;
  if (file !== undefined) return await readSecretFile(file);
  if (process.env[variable]) return process.env[variable];
  if (given !== undefined && given !== null) return given;
  if (optional) return undefined;
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) {
    throw usageError(
      `The ${side}'s password is missing, and there is no terminal to ask on: set ${variable}, give ${option}, or put it ` +
        `into the properties file as secretParameters.adminCredentials.${sides[side].field}.`,
    );
  }
  // On stderr: stdout is for the answer, and may be a file.
  return await password({ message: `Password of the ${side}'s user:`, mask: false }, { output: process.stderr });
}

/** A server that takes a token of Microsoft Entra has no password to ask for. */
function entraFor(properties: JsonObject, side: Side): boolean {
  const authentication = fieldOf(properties, `${side}Authentication`);
  return typeof authentication === "string" && authentication.toLowerCase() === "entra";
}

function objectIn(parent: JsonObject, name: string): JsonObject {
  const value = fieldOf(parent, name);
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw usageError(`${name} in the properties file must be a JSON object.`);
  return value;
}
