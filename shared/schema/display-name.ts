const plainName = /^[a-z_][a-z0-9_$]*$/;

/** A qualified name as a person reads it in a message; quoted only where it would be unclear otherwise. Not for SQL. */
export function displayName(...parts: readonly (string | undefined)[]): string {
  return parts
    .filter((part) => part !== undefined)
    .map((part) => (plainName.test(part) ? part : JSON.stringify(part)))
    .join(".");
}
