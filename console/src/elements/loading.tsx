import { makeStyles, Skeleton, SkeletonItem } from "@fluentui/react-components";
import { text } from "../text.js";

const useStyles = makeStyles({ rows: { display: "flex", flexDirection: "column", gap: "14px", paddingTop: "12px" } });

/** Grey lines where rows will be. */
export function Loading({ rows = 6 }: { rows?: number }) {
  const styles = useStyles();
  return (
    <Skeleton aria-label={text.loading} className={styles.rows}>
      {Array.from({ length: rows }, (_, row) => (
        <SkeletonItem key={String(row)} size={20} />
      ))}
    </Skeleton>
  );
}
