/** The pane at the side: Esc closes it, and the focus goes back to what opened it. */
import {
  Button,
  DrawerBody,
  DrawerHeader,
  DrawerHeaderTitle,
  makeStyles,
  OverlayDrawer,
} from "@fluentui/react-components";
import { Dismiss24Regular } from "@fluentui/react-icons";
import type { ReactNode } from "react";
import { text } from "../text.js";

const useStyles = makeStyles({
  title: { overflowWrap: "anywhere" },
  body: { paddingBottom: "24px" },
  drawer: { width: "min(640px, 100vw)" },
});

export function Pane({
  title,
  open,
  close,
  children,
}: {
  title: string;
  open: boolean;
  close: () => void;
  children: ReactNode;
}) {
  const styles = useStyles();
  return (
    <OverlayDrawer
      position="end"
      className={styles.drawer}
      open={open}
      onOpenChange={(_, data) => {
        if (!data.open) close();
      }}
      aria-label={title}
    >
      <DrawerHeader>
        <DrawerHeaderTitle
          heading={{ as: "h2", className: styles.title }}
          action={<Button appearance="subtle" aria-label={text.close} icon={<Dismiss24Regular />} onClick={close} />}
        >
          {title}
        </DrawerHeaderTitle>
      </DrawerHeader>
      <DrawerBody className={styles.body} tabIndex={0}>
        {children}
      </DrawerBody>
    </OverlayDrawer>
  );
}
