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

/** An object in which an unknown property is a problem that says which ones are known. */
export function knownObject<Shape extends z.ZodRawShape>(shape: Shape, missing: string) {
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code === "unrecognized_keys") return unknownMessage(Object.keys(shape));
      return issue.input === undefined ? `is missing: ${missing}` : "must be a JSON object";
    },
  });
}

/**
 * Reads the fields of an object. A field that is wrong becomes a problem and is absent from the outcome; null counts as
 * absent; unknown fields are problems too, except those in `ignored`, which an answer of ours has and a request may repeat.
 */
export function readProperties<Shape extends z.ZodRawShape>(
  input: Readonly<Record<string, unknown>>,
  shape: Shape,
  options: { path: string; ignored?: readonly string[]; problems: RequestProblem[] },
): Properties<Shape> {
  const { path, ignored = [], problems } = options;
  const known = Object.keys(shape);
  const read: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(shape)) {
    const outcome = z.safeParse(schema, input[name] ?? undefined);
    if (outcome.success) read[name] = outcome.data;
    else problems.push(...outcome.error.issues.flatMap((issue) => problemsOf(issue, join(path, name))));
  }
  for (const name of Object.keys(input)) {
    if (known.includes(name) || ignored.includes(name)) continue;
    problems.push(problem("UnknownProperty", join(path, name), unknownMessage(known)));
  }
  return read as Properties<Shape>;
}

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

function join(path: string, name: string): string {
  if (!/^[A-Za-z_]\w*$/.test(name)) return `${path}[${JSON.stringify(name)}]`;
  return path === "" ? name : `${path}.${name}`;
}
