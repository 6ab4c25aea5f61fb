/** A table's parts as a bar, each coloured by its state, in as wide a piece as it has of the parts. */
import { makeStyles, tokens } from "@fluentui/react-components";
import type { PartState, TablePart } from "../api/resources.js";
import { text } from "../text.js";

const useStyles = makeStyles({
  bar: {
    display: "inline-block",
    verticalAlign: "middle",
    width: "100%",
    minWidth: "48px",
    height: "8px",
    borderRadius: "4px",
    overflow: "hidden",
    backgroundColor: tokens.colorNeutralStroke1,
  },
});

const colours: Record<PartState, string> = {
  queued: "transparent",
  loading: tokens.colorBrandForeground1,
  completed: tokens.colorStatusSuccessForeground1,
  errored: tokens.colorStatusDangerForeground1,
};

export function PartsBar({ parts }: { parts: readonly TablePart[] }) {
  const styles = useStyles();
  return (
    <span
      className={styles.bar}
      role="img"
      aria-label={summary(parts)}
      title={summary(parts)}
      style={{ background: gradient(parts) }}
    />
  );
}

function summary(parts: readonly TablePart[]): string {
  const counts = (["completed", "loading", "queued", "errored"] as const).flatMap((state) => {
    const number = parts.filter((part) => part.state === state).length;
    return number === 0 ? [] : [`${number} ${text.partStates[state].toLowerCase()}`];
  });
  return counts.join(", ");
}

/** One background instead of an element a part: thousands of tables scroll by. */
function gradient(parts: readonly TablePart[]): string {
  const width = 100 / Math.max(1, parts.length);
  const stops: string[] = [];
  let from = 0;
  while (from < parts.length) {
    const state = parts[from]?.state ?? "queued";
    let to = from + 1;
    while (to < parts.length && parts[to]?.state === state) to += 1;
    stops.push(`${colours[state]} ${(from * width).toFixed(2)}% ${(to * width).toFixed(2)}%`);
    from = to;
  }
  return `linear-gradient(90deg, ${stops.join(", ")}), ${tokens.colorNeutralStroke1}`;
}
