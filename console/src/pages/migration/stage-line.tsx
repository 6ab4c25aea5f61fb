/** The stages as a line: what is done, what goes on, and how long each took. */
import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import {
  ArrowSyncCircle20Filled,
  CheckmarkCircle20Filled,
  Circle20Regular,
  DismissCircle20Filled,
  HandRight20Filled,
  SubtractCircle20Regular,
} from "@fluentui/react-icons";
import type { ReactNode } from "react";
import { useNow } from "../../elements/now.js";
import { duration } from "../../format/quantities.js";
import { utcTime } from "../../format/times.js";
import type { Stage, StageState } from "../../migration/stages.js";
import { text } from "../../text.js";

const useStyles = makeStyles({
  line: {
    display: "flex",
    listStyleType: "none",
    margin: "16px 0",
    padding: 0,
    "@media (max-width: 760px)": { flexDirection: "column", gap: "8px" },
  },
  stage: {
    display: "flex",
    alignItems: "center",
    gap: "8px",
    flexGrow: 1,
    minWidth: 0,
    "::after": {
      content: '""',
      flexGrow: 1,
      height: "2px",
      minWidth: "12px",
      margin: "0 12px 0 4px",
      borderRadius: "1px",
      backgroundColor: tokens.colorNeutralStroke2,
    },
    ":last-child": { flexGrow: 0 },
    ":last-child::after": { display: "none" },
    "@media (max-width: 760px)": { "::after": { display: "none" } },
  },
  passed: { "::after": { backgroundColor: tokens.colorStatusSuccessForeground1, opacity: 0.6 } },
  icon: { display: "inline-flex", flexShrink: 0 },
  words: { display: "flex", flexDirection: "column", minWidth: 0 },
  name: { fontWeight: tokens.fontWeightSemibold, whiteSpace: "nowrap" },
  time: {
    color: tokens.colorNeutralForeground3,
    fontSize: tokens.fontSizeBase200,
    fontVariantNumeric: "tabular-nums",
    minHeight: "16px",
    whiteSpace: "nowrap",
  },
  done: { color: tokens.colorStatusSuccessForeground1 },
  current: { color: tokens.colorBrandForeground1 },
  waiting: { color: tokens.colorPaletteMarigoldForeground1 },
  failed: { color: tokens.colorStatusDangerForeground1 },
  ahead: { color: tokens.colorNeutralForeground3 },
  skipped: { color: tokens.colorNeutralForeground3 },
  dim: { color: tokens.colorNeutralForeground3, fontWeight: tokens.fontWeightRegular },
});

const icons: Record<StageState, ReactNode> = {
  done: <CheckmarkCircle20Filled />,
  current: <ArrowSyncCircle20Filled />,
  waiting: <HandRight20Filled />,
  failed: <DismissCircle20Filled />,
  ahead: <Circle20Regular />,
  skipped: <SubtractCircle20Regular />,
};

export function StageLine({ stages }: { stages: readonly Stage[] }) {
  const styles = useStyles();
  // Those that go on are counted up.
  useNow();
  const { stages: words } = text.migration;
  return (
    <ol className={styles.line} aria-label={words.label}>
      {stages.map(({ name, state, seconds, since }) => (
        <li
          key={name}
          className={mergeClasses(styles.stage, state === "done" && styles.passed)}
          aria-current={state === "current" || state === "waiting" ? "step" : undefined}
          title={since === undefined ? undefined : utcTime(since)}
        >
          <span className={mergeClasses(styles.icon, styles[state])} role="img" aria-label={words.states[state]}>
            {icons[state]}
          </span>
          <span className={styles.words}>
            <span className={mergeClasses(styles.name, (state === "ahead" || state === "skipped") && styles.dim)}>
              {words[name]}
            </span>
            <span className={styles.time}>
              {seconds === undefined ? "" : duration(seconds >= 1 ? Math.floor(seconds) : seconds)}
            </span>
          </span>
        </li>
      ))}
    </ol>
  );
}
