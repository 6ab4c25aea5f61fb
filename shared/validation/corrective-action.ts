/** The part of a rule's message that a person copies into psql. */

/** How many objects a message names, and how many of their statements it spells out. */
export const namedObjects = 10;

/**
 * "Run on the source: …;": the last thing in a message, so that everything behind the colon is SQL. Beyond ten statements only the first ten are
 * spelled out. Nothing for no statement.
 */
export function runOn(side: "source" | "target", statements: readonly string[]): string {
  const [first] = statements;
  if (first === undefined) return "";
  const more = statements.length - namedObjects;
  const note = more > 0 ? ` (then validate again for the other ${more})` : "";
  return ` Run on the ${side}${note}: ${statements.slice(0, namedObjects).join(" ")}`;
}
