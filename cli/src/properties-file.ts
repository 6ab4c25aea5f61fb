/**
 * The file of --properties/-b, as Azure's CLI takes it: `{"properties": {…}}`, with names in any case. `tags` and `location`
 * may stand beside it.
 */
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { usageError } from "./command-error.js";

export type JsonObject = Readonly<Record<string, unknown>>;

export interface PropertiesFile {
  readonly properties: JsonObject;
  readonly tags: unknown;
  readonly location: unknown;
}

/**
 * Reads the file; "-" is the standard input, and a leading @ is left away, as az has it.
 * @throws CommandError when it cannot be read or is not what it should be; its text is never quoted, it may hold passwords
 */
export async function readPropertiesFile(file: string): Promise<PropertiesFile> {
  const path = file.replace(/^@/, "");
  const parsed = parse(path, await contents(path));
  if (!isObject(parsed)) throw usageError(`${path} must hold a JSON object: {"properties": {…}}.`);
  const inner = fieldOf(parsed, "properties");
  // What people forget most: the file holds the properties themselves.
  const properties = inner === undefined ? withoutTopLevel(parsed) : inner;
  if (!isObject(properties)) throw usageError(`"properties" in ${path} must be a JSON object.`);
  return { properties, tags: fieldOf(parsed, "tags"), location: fieldOf(parsed, "location") };
}

/** A field by its name in any case. */
export function fieldOf(object: JsonObject, name: string): unknown {
  const key = keyOf(object, name);
  return key === undefined ? undefined : object[key];
}

/** The object with a field set; spelled as it is in the object, when it is there. */
export function setField(object: JsonObject, name: string, value: unknown): JsonObject {
  return { ...object, [keyOf(object, name) ?? name]: value };
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function keyOf(object: JsonObject, name: string): string | undefined {
  if (Object.hasOwn(object, name)) return name;
  return Object.keys(object).find((key) => key.toLowerCase() === name.toLowerCase());
}

function withoutTopLevel(parsed: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(parsed).filter(([key]) => !/^(tags|location)$/i.test(key)));
}

async function contents(path: string): Promise<string> {
  try {
    return path === "-" ? await text(process.stdin) : await readFile(path, "utf8");
  } catch (error) {
    throw usageError(`${path} cannot be read (${error instanceof Error ? error.message : error}).`, { cause: error });
  }
}

function parse(path: string, contents: string): unknown {
  try {
    return JSON.parse(contents.replace(/^\uFEFF/, ""));
  } catch {
    throw usageError(`${path} is not valid JSON: check it with a JSON editor.`);
  }
}
