/** Naming many objects in one message: those that fit, and how many more there are. */

/**
 * `items` one after the other, at most `limit` of them, e.g. "a, b and 4998 more". The rule's own query should say how to list the rest.
 * @param separator put between two items; statements of SQL read best with " ".
 */
export function listed(items: readonly string[], limit = 20, separator = ", "): string {
  const named = items.slice(0, limit).join(separator);
  const more = items.length - limit;
  return more > 0 ? `${named} and ${more} more` : named;
}
