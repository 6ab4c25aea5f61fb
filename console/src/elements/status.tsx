/** A state as icon, word and colour: never colour alone. */
import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import {
  ArrowSyncCircle20Filled,
  CheckmarkCircle20Filled,
  Clock20Regular,
  DismissCircle20Filled,
  HandRight20Filled,
  SubtractCircle20Filled,
  Warning20Filled,
} from "@fluentui/react-icons";
import type { ReactNode } from "react";
import type { DatabaseState, Migration, PartState, RuleState } from "../api/resources.js";
import { stateOf, substateOf } from "../migration/progress.js";
import { text } from "../text.js";

export type Tone = "running" | "waiting" | "good" | "warning" | "bad" | "idle" | "queued";

const useStyles = makeStyles({
  status: { display: "inline-flex", verticalAlign: "middle", alignItems: "center", gap: "6px", minWidth: 0 },
  icon: { display: "inline-flex", flexShrink: 0 },
  word: { overflowWrap: "anywhere" },
  running: { color: tokens.colorBrandForeground1 },
  waiting: { color: tokens.colorPaletteMarigoldForeground1 },
  good: { color: tokens.colorStatusSuccessForeground1 },
  warning: { color: tokens.colorPaletteMarigoldForeground1 },
  bad: { color: tokens.colorStatusDangerForeground1 },
  idle: { color: tokens.colorNeutralForeground3 },
  queued: { color: tokens.colorNeutralForeground3 },
});

const icons: Record<Tone, ReactNode> = {
  running: <ArrowSyncCircle20Filled />,
  waiting: <HandRight20Filled />,
  good: <CheckmarkCircle20Filled />,
  warning: <Warning20Filled />,
  bad: <DismissCircle20Filled />,
  idle: <SubtractCircle20Filled />,
  queued: <Clock20Regular />,
};

export function Status({ tone, children }: { tone: Tone; children: ReactNode }) {
  const styles = useStyles();
  return (
    <span className={styles.status}>
      <span className={mergeClasses(styles.icon, styles[tone])} aria-hidden="true">
        {icons[tone]}
      </span>
      <span className={styles.word}>{children}</span>
    </span>
  );
}

/** What a person wants to hear first: what it waits for, or what is being done, else how it ended. */
export function statusWord(migration: Migration): string {
  const [state, substate] = [stateOf(migration), substateOf(migration)];
  if (
    (state === "InProgress" || state === "WaitingForUserAction") &&
    substate !== undefined &&
    substate !== "Completed"
  ) {
    return text.substates[substate] ?? substate;
  }
  return text.states[state] ?? state;
}

export function toneOf(migration: Migration): Tone {
  switch (stateOf(migration)) {
    case "InProgress":
    case "CleaningUp":
      return "running";
    case "WaitingForUserAction":
      return "waiting";
    case "Succeeded":
      return "good";
    case "Failed":
    case "ValidationFailed":
      return "bad";
    case "Canceled":
      return "idle";
  }
}

export function MigrationStatus({ migration }: { migration: Migration }) {
  return <Status tone={toneOf(migration)}>{statusWord(migration)}</Status>;
}

export const databaseTones: Record<DatabaseState, Tone> = {
  InProgress: "running",
  WaitingForCutoverTrigger: "running",
  Failed: "bad",
  Canceled: "idle",
  Succeeded: "good",
  Canceling: "running",
};

export const partTones: Record<PartState, Tone> = {
  queued: "queued",
  loading: "running",
  completed: "good",
  errored: "bad",
};

export const ruleTones: Record<RuleState, Tone> = { Failed: "bad", Warning: "warning", Succeeded: "good" };
