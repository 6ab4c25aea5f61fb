import { Button, makeStyles, tokens } from "@fluentui/react-components";
import { ArrowClockwise20Regular } from "@fluentui/react-icons";
import { duration } from "../format/quantities.js";
import { text } from "../text.js";
import { useNow } from "./now.js";

const useStyles = makeStyles({
  refreshed: { display: "inline-flex", alignItems: "center", gap: "4px" },
  // As wide for "59 s ago" as for "2 s ago": nothing beside it moves.
  ago: {
    minWidth: "64px",
    display: "inline-block",
    textAlign: "left",
    fontVariantNumeric: "tabular-nums",
    color: tokens.colorNeutralForeground2,
  },
});

/** The refresh button with the age of what is shown. */
export function Refreshed({ at, refresh }: { at: number; refresh: () => void }) {
  const styles = useStyles();
  const seconds = Math.floor((useNow() - at) / 1_000);
  return (
    <span className={styles.refreshed}>
      <Button
        appearance="subtle"
        icon={<ArrowClockwise20Regular />}
        onClick={refresh}
        aria-label={text.refresh}
        title={text.refresh}
      />
      <span className={styles.ago}>
        {at === 0 ? "" : seconds < 1 ? text.refreshedNow : text.refreshed(duration(seconds))}
      </span>
    </span>
  );
}
