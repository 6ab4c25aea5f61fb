import { makeStyles } from "@fluentui/react-components";
import { localTime, utcTime } from "../format/times.js";
import { text } from "../text.js";

const useStyles = makeStyles({ time: { whiteSpace: "nowrap", fontVariantNumeric: "tabular-nums" } });

/** A time, local; in UTC for whoever points at it. */
export function Time({ iso, seconds = false }: { iso: string | undefined; seconds?: boolean }) {
  const styles = useStyles();
  if (iso === undefined) return <>{text.none}</>;
  return (
    <time dateTime={iso} title={utcTime(iso)} className={styles.time}>
      {localTime(iso, text, seconds)}
    </time>
  );
}
