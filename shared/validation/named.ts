/** Opening a rule's message with what it is about. */
import { namedObjects } from "./corrective-action.js";
import { listed } from "./listed.js";

/** "Unlogged table public.a", or "12 unlogged tables (public.a, public.b … and 2 more)". */
export function named(one: string, several: string, names: readonly string[]): string {
  if (names.length !== 1) return `${names.length} ${several} (${listed(names, namedObjects)})`;
  return `${one.charAt(0).toUpperCase()}${one.slice(1)} ${names[0]}`;
}
