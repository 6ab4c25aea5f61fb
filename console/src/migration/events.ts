/** What happened when: the recorded transitions, and what each database's row tells, in one order. */
import type { DatabaseProgress, Migration, TransitionRecord } from "../api/resources.js";
import { secondsBetween } from "../format/times.js";
import { text } from "../text.js";
import { hasEnded } from "./progress.js";

export interface MigrationEvent {
  readonly time: string;
  readonly what: string;
  /** Until the next transition; undefined for events that take no time. */
  readonly seconds: number | undefined;
  readonly detail: string | undefined;
}

export function eventsOf(
  migration: Migration,
  transitions: readonly TransitionRecord[],
  databases: readonly DatabaseProgress[],
): MigrationEvent[] {
  const events: MigrationEvent[] = transitions.map((transition, index) => {
    const next = transitions[index + 1]?.time;
    const last = next === undefined && hasEnded(migration);
    const running = transition.state === "InProgress" || transition.state === "WaitingForUserAction";
    const substate =
      transition.substate === undefined ? undefined : (text.substates[transition.substate] ?? transition.substate);
    return {
      time: transition.time,
      what: running && substate !== undefined ? substate : (text.states[transition.state] ?? transition.state),
      seconds: last ? undefined : secondsBetween(transition.time, next),
      detail: transition.error,
    };
  });
  const plain = (time: string | undefined, what: string, detail?: string) => {
    if (time !== undefined) events.push({ time, what, seconds: undefined, detail });
  };
  plain(migration.systemData?.createdAt, text.events.created);
  for (const { database, startedOn, endedOn, cutoverOn, state, message } of databases) {
    plain(startedOn, text.events.databaseStarted(database));
    plain(cutoverOn, text.events.cutoverAsked(database));
    if (state !== undefined) plain(endedOn, text.events.databaseEnded(database, text.databaseStates[state]), message);
  }
  return events.sort((one, other) => (one.time < other.time ? -1 : one.time > other.time ? 1 : 0));
}
