import { makeStyles, tokens } from "@fluentui/react-components";

const useStyles = makeStyles({
  track: {
    display: "inline-block",
    verticalAlign: "middle",
    height: "6px",
    borderRadius: "3px",
    overflow: "hidden",
    backgroundColor: tokens.colorNeutralStroke1,
  },
  filled: {
    height: "100%",
    backgroundColor: tokens.colorCompoundBrandBackground,
    transitionProperty: "width",
    transitionDuration: "400ms",
  },
});

/** How much of something is done; the words stand beside it or in its label. */
export function Bar({ percent, label, width = "72px" }: { percent: number; label: string; width?: string }) {
  const styles = useStyles();
  return (
    <span
      className={styles.track}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      title={label}
      style={{ width }}
    >
      <span className={styles.filled} style={{ width: `${percent}%`, display: "block" }} />
    </span>
  );
}
