/** Reading a request's fields one by one, so that an answer lists every problem at once. */
import { z } from "zod";
import type { RequestProblem } from "./request-error.js";

export type Properties<Shape extends z.ZodRawShape> = {
  readonly [Name in keyof Shape]?: z.output<Shape[Name]> | undefined;
};

/** An error message for a field: one for when it is missing, one for when it is wrong. Both end a sentence that begins with its path. */
export function fieldError(missing: string, wrong: string): { error: (issue: { input?: unknown }) => string } {
  return { error: (issue) => (issue.input === undefined ? `is missing: ${missing}` : wrong) };
}

/** One of a fixed set of words, in any case as ARM compares them. */
export function oneOf<const Words extends readonly [string, ...string[]]>(words: Words) {
  const remedy = `must be one of ${words.map((word) => `"${word}"`).join(", ")}`;
  return z
    .string({ error: remedy })
    .transform((text) => words.find((word) => word.toLowerCase() === text.toLowerCase()) ?? text)
    .pipe(z.enum(words, { error: remedy }));
}

/**
 * An object in which an unknown property is a problem that says which ones are known.
 * @param unread properties that may be there and are not read
 */
export function knownObject<Shape extends z.ZodRawShape>(
  shape: Shape,
  missing: string,
  unread: readonly string[] = [],
) {
  const known = Object.keys(shape);
  return z.preprocess(
    (input) => {
      if (!isObject(input)) return input;
      const { read, problems } = respelled(input, [...known, ...unread]);
      // Left as it is written, it becomes an unknown property.
      for (const { name, value } of problems) read[name] = value;
      for (const name of unread) delete read[name];
      return read;
    },
    z.strictObject(shape, {
      error: (issue) => {
        if (issue.code === "unrecognized_keys") return unknownMessage(known);
        return issue.input === undefined ? `is missing: ${missing}` : "must be a JSON object";
      },
    }),
  );
}

/**
 * Reads the fields of an object, whose names are compared without case, as Azure does. A field that is wrong becomes a problem and is absent from
 * the outcome; null counts as absent; unknown fields are problems too, except those in `ignored`, which an answer of ours has and a request may
 * repeat.
 */
export function readProperties<Shape extends z.ZodRawShape>(
  input: Readonly<Record<string, unknown>>,
  shape: Shape,
  options: {
    path: string;
    ignored?: readonly string[];
    /** Other names of fields, in lower case, from earlier versions of the API. */
    aliases?: Readonly<Record<string, string>>;
    problems: RequestProblem[];
  },
): Properties<Shape> {
  const { path, ignored = [], aliases = {}, problems } = options;
  const known = Object.keys(shape);
  const spelled = respelled(input, [...known, ...ignored], aliases);
  const read: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(shape)) {
    const outcome = z.safeParse(schema, spelled.read[name]);
    if (outcome.success) read[name] = outcome.data;
    else problems.push(...outcome.error.issues.flatMap((issue) => problemsOf(issue, join(path, name))));
  }
  for (const { name, twice } of spelled.problems.slice(0, unknownNamesTold)) {
    problems.push(
      twice === undefined
        ? problem("UnknownProperty", join(path, name), unknownMessage(known))
        : problem("RepeatedProperty", join(path, name), `is given twice, also as ${twice}: remove one of them`),
    );
  }
  return read as Properties<Shape>;
}

/** The field of an object, whatever the case of its name; undefined when it is absent or null. */
export function fieldOf(input: Readonly<Record<string, unknown>>, name: string): unknown {
  return respelled(input, [name]).read[name];
}

interface Respelled {
  /** The fields by their proper names, without those that are null. */
  readonly read: Record<string, unknown>;
  /** Fields of other names, and those that another spelling of the same name has given already. */
  readonly problems: { name: string; value: unknown; twice?: string }[];
}

function respelled(
  input: Readonly<Record<string, unknown>>,
  names: readonly string[],
  aliases: Readonly<Record<string, string>> = {},
): Respelled {
  const properNames = new Map([
    ...Object.entries(aliases),
    ...names.map((name): [string, string] => [name.toLowerCase(), name]),
  ]);
  const read = new Map<string, unknown>();
  const spellings = new Map<string, string>();
  const problems: Respelled["problems"] = [];
  for (const [name, value] of Object.entries(input)) {
    if (value === null || value === undefined) continue;
    const proper = properNames.get(name.toLowerCase());
    const first = proper === undefined ? undefined : spellings.get(proper);
    if (proper === undefined) problems.push({ name, value });
    else if (first !== undefined) problems.push({ name, value, twice: first });
    else {
      spellings.set(proper, name);
      read.set(proper, value);
    }
  }
  return { read: Object.fromEntries(read), problems };
}

/** Each is told with the names that are known: more of them would make an answer that is larger than the request. */
const unknownNamesTold = 50;

/** A problem about a field; the message is the end of a sentence that begins with the field's path. */
export function problem(code: string, target: string, message: string): RequestProblem {
  return { code, target, message: `${target} ${message}.` };
}

/** Whether any of the problems is about this field or something in it. */
export function hasProblem(problems: readonly RequestProblem[], target: string): boolean {
  return problems.some(
    (one) => one.target === target || one.target.startsWith(`${target}.`) || one.target.startsWith(`${target}[`),
  );
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function problemsOf(issue: z.core.$ZodIssue, path: string): RequestProblem[] {
  const target = issue.path.reduce<string>(
    (so, step) => (typeof step === "number" ? `${so}[${step}]` : join(so, String(step))),
    path,
  );
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => problem("UnknownProperty", join(target, key), issue.message));
  }
  const code = issue.message.startsWith("is missing") ? "MissingProperty" : "InvalidPropertyValue";
  return [problem(code, target, issue.message)];
}

function unknownMessage(known: readonly string[]): string {
  return `is not a known property: remove it, or use one of ${known.join(", ")}`;
}

/** A name of the caller's is repeated in an answer up to this length. */
const longestName = 100;

function join(path: string, given: string): string {
  const name = given.length > longestName ? `${given.slice(0, longestName)}…` : given;
  if (!/^[A-Za-z_]\w*$/.test(name)) return `${path}[${JSON.stringify(name)}]`;
  return path === "" ? name : `${path}.${name}`;
}
