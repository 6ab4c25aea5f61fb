/** Which names a database to migrate can have. */
import { z } from "zod";

/**
 * Databases that belong to the server or its operator, not to the user. `postgres` is none of them: people keep tables there. On the target it is
 * replaced as any other, where the target's user may; where it is the operator's, validation says so.
 */
export const systemDatabases: ReadonlySet<string> = new Set([
  "template0",
  "template1",
  "azure_maintenance",
  "azure_sys",
  "rdsadmin",
  "cloudsqladmin",
  "alloydbadmin",
]);

/** Databases that one migration can have at most: Azure's limit. */
export const maximumDatabases = 8;

/** A list of names, none twice. */
export const DatabaseNames = listOfNames(
  () => undefined,
  () => undefined,
);

/** The databases of a new migration: one to eight, none of the server's own. */
export const DatabasesToMigrate = listOfNames(
  (count) => {
    if (count === 0) return "is empty: name one to eight databases";
    if (count <= maximumDatabases) return undefined;
    return `names ${count} databases: a migration takes at most ${maximumDatabases}, split it into several`;
  },
  (name) =>
    systemDatabases.has(name)
      ? `"${name}" is a database of the server itself and cannot be migrated: remove it`
      : undefined,
);

/** Beyond this a list is not looked at name by name: it is wrong as a whole. */
const namesLookedAt = 100;

/** Every problem at once: with element schemas of zod's own, a wrong element would keep the list's checks from running. */
function listOfNames(
  countProblem: (count: number) => string | undefined,
  furtherProblem: (name: string) => string | undefined,
) {
  return z
    .array(z.unknown(), { error: 'must be a list of database names, e.g. ["shop"]' })
    .superRefine((names, context) => {
      const complain = (message: string | undefined, path: number[]) => {
        if (message !== undefined) context.addIssue({ code: "custom", path, message });
      };
      if (names.length > namesLookedAt) {
        const message = `names ${names.length} databases: a migration takes at most ${maximumDatabases}, leave the others out`;
        return complain(message, []);
      }
      complain(countProblem(names.length), []);
      names.forEach((name, index) => {
        const first = names.indexOf(name);
        const repeated = first === index ? undefined : `repeats [${first}]: remove one of them`;
        complain(repeated ?? nameProblem(name) ?? furtherProblem(String(name)), [index]);
      });
    })
    .transform((names) => names.map(String));
}

function nameProblem(name: unknown): string | undefined {
  if (typeof name !== "string") return "must be the name of a database, as a string";
  if (name === "") return "is empty: give the database's name";
  const bytes = Buffer.byteLength(name, "utf8");
  if (bytes > 63) return `has ${bytes} bytes: PostgreSQL's names have at most 63, check the spelling`;
  if (name.includes("\0")) return "contains a NUL character, which no PostgreSQL name can: remove it";
  // A lone surrogate turns into U+FFFD on its way to the server, which is another name.
  if (Buffer.from(name, "utf8").toString("utf8") !== name) return "is not valid Unicode: remove the lone surrogate";
  return undefined;
}
