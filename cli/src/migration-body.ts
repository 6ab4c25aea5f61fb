/** The body of a PUT, and of the connection tests, from a command's options. */
import { usageError } from "./command-error.js";
import { type PasswordOptions, type Side, withPasswords } from "./passwords.js";
import { type JsonObject, readPropertiesFile, setField } from "./properties-file.js";

export interface BodyOptions extends PasswordOptions {
  readonly properties?: string | undefined;
  readonly location?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly migrationMode?: string | undefined;
  readonly migrationOption?: string | undefined;
}

/**
 * @param sides whose passwords are needed
 * @param optional whether a password that nobody gives leaves its server out
 */
export async function migrationBody(
  options: BodyOptions,
  sides: readonly Side[] = ["source", "target"],
  optional = false,
): Promise<JsonObject> {
  if (options.properties === undefined) throw usageError("The properties file is missing: give --properties (-b).");
  const file = await readPropertiesFile(options.properties);
  let { properties } = file;
  if (options.migrationMode !== undefined) properties = setField(properties, "migrationMode", options.migrationMode);
  if (options.migrationOption !== undefined) {
    properties = setField(properties, "migrationOption", options.migrationOption);
  }
  const location = options.location ?? file.location;
  const tags = options.tags === undefined ? file.tags : tagsOf(options.tags);
  return {
    ...(location === undefined ? {} : { location }),
    ...(tags === undefined ? {} : { tags }),
    properties: await withPasswords(properties, sides, options, optional),
  };
}

/** Tags as az takes them, "team=data owner=ada"; one empty text clears them. */
export function tagsOf(pairs: readonly string[]): JsonObject {
  const tags: Record<string, string> = {};
  for (const pair of pairs.filter((one) => one !== "")) {
    const [name = "", ...value] = pair.split("=");
    if (name === "") throw usageError(`Tag "${pair}" has no name: write name=value.`);
    tags[name] = value.join("=");
  }
  return tags;
}
