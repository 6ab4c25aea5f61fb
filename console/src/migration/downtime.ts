import type { TransitionRecord } from "../api/resources.js";
import { secondsBetween } from "../format/times.js";

/** Seconds from the cutover's begin to the end; undefined for a migration without one. */
export function downtimeOf(transitions: readonly TransitionRecord[]): number | undefined {
  const began = transitions.find(({ substate }) => substate === "CompletingMigration");
  const ended = transitions.at(-1);
  return began === undefined || ended === undefined || ended === began
    ? undefined
    : secondsBetween(began.time, ended.time);
}
