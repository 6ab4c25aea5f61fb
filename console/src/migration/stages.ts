/** A migration as a line of stages with what each took, from its recorded transitions. */
import type { Migration, MigrationSubstate, TransitionRecord } from "../api/resources.js";
import { secondsBetween } from "../format/times.js";
import { endOf, hasEnded, isWaiting, stateOf, substateOf } from "./progress.js";

export type StageName = "prerequisites" | "validation" | "copy" | "follow" | "cutover";
export type StageState = "done" | "current" | "waiting" | "failed" | "ahead" | "skipped";

export interface Stage {
  readonly name: StageName;
  readonly state: StageState;
  /** Undefined when it has not begun. */
  readonly seconds: number | undefined;
  /** ISO 8601, UTC. */
  readonly since: string | undefined;
}

function stageOf(substate: MigrationSubstate | undefined): StageName | undefined {
  switch (substate) {
    case "ValidationInProgress":
      return "validation";
    case "MigratingData":
    case "CancelingRequestedDBMigrations":
      return "copy";
    case "WaitingForCutoverTrigger":
      return "follow";
    case "CompletingMigration":
      return "cutover";
    case "Completed":
    case undefined:
      return undefined;
    default:
      return "prerequisites";
  }
}

/** The stages that a migration has by its mode and option, in order. */
export function stagesOf(migration: Migration, transitions: readonly TransitionRecord[]): Stage[] {
  const { migrationMode, migrationOption } = migration.properties;
  const names: StageName[] = ["prerequisites"];
  if (migrationOption !== "Migrate") names.push("validation");
  if (migrationOption !== "Validate") names.push("copy");
  if (migrationOption !== "Validate" && migrationMode === "Online") names.push("follow", "cutover");

  const seconds = new Map<StageName, number>();
  const since = new Map<StageName, string>();
  let last: StageName | undefined;
  transitions.forEach((transition, index) => {
    const stage = stageOf(transition.substate) ?? (index === 0 ? "prerequisites" : undefined);
    if (stage === undefined) return;
    last = stage;
    if (!since.has(stage)) since.set(stage, transition.time);
    const until = transitions[index + 1]?.time ?? endOf(migration);
    seconds.set(stage, (seconds.get(stage) ?? 0) + secondsBetween(transition.time, until));
  });
  const now = hasEnded(migration) ? undefined : (stageOf(substateOf(migration)) ?? last ?? "prerequisites");
  const reached = Math.max(names.indexOf(now ?? last ?? "prerequisites"), 0);
  return names.map((name, index) => ({
    name,
    state: stateAt(migration, index, reached, seconds.has(name), now !== undefined),
    seconds: seconds.get(name),
    since: since.get(name),
  }));
}

function stateAt(migration: Migration, index: number, reached: number, begun: boolean, running: boolean): StageState {
  if (index < reached) return begun || index === 0 ? "done" : "skipped";
  if (index > reached) return "ahead";
  if (running) return isWaiting(migration) ? "waiting" : "current";
  return stateOf(migration) === "Succeeded" ? "done" : "failed";
}
