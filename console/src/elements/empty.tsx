import { makeStyles, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";

const useStyles = makeStyles({
  empty: {
    display: "flex",
    flexDirection: "column",
    alignItems: "center",
    textAlign: "center",
    gap: "16px",
    padding: "56px 16px",
    color: tokens.colorNeutralForeground2,
  },
});

/** Nothing to show: one sentence, one button. */
export function Empty({ children, action }: { children: ReactNode; action?: ReactNode }) {
  const styles = useStyles();
  return (
    <div className={styles.empty}>
      <span>{children}</span>
      {action}
    </div>
  );
}
