import {
  Button,
  Checkbox,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  DialogTrigger,
  makeStyles,
  Subtitle2,
} from "@fluentui/react-components";
import { useState } from "react";
import { useChange } from "../../api/commands.js";
import type { DatabaseProgress, Migration, MigrationId } from "../../api/resources.js";
import { Problem } from "../../elements/problem.js";
import { CodeBlock } from "../../elements/words.js";
import { text } from "../../text.js";

const useStyles = makeStyles({
  content: { display: "flex", flexDirection: "column", gap: "12px" },
  databases: { display: "flex", flexWrap: "wrap", columnGap: "12px" },
  title: { margin: 0 },
});

/** What a cancel stops, what it leaves, and what to drop by hand. */
export function CancelDialog({
  id,
  migration,
  databases,
  open,
  close,
}: {
  id: MigrationId;
  migration: Migration;
  databases: readonly DatabaseProgress[];
  open: boolean;
  close: () => void;
}) {
  const styles = useStyles();
  const words = text.cancel;
  const change = useChange(id);
  const [leftOut, setLeftOut] = useState<ReadonlySet<string>>(new Set());
  const running = migration.properties.dbsToMigrate.filter(
    (name) =>
      !["Succeeded", "Failed", "Canceled"].includes(databases.find(({ database }) => database === name)?.state ?? ""),
  );
  const chosen = running.filter((name) => !leftOut.has(name));
  const all = chosen.length === running.length;
  const begun = chosen.filter((name) => databases.find(({ database }) => database === name)?.startedOn !== undefined);
  const start = async () => {
    await change.mutateAsync({ cancel: "True", ...(all ? {} : { dbsToCancelMigrationOn: chosen }) });
    close();
  };
  return (
    <Dialog open={open} onOpenChange={(_, data) => !data.open && close()}>
      <DialogSurface>
        <DialogBody>
          <DialogTitle>{words.title(id.name)}</DialogTitle>
          <DialogContent className={styles.content}>
            <span>{words.lead}</span>
            {change.error !== null && <Problem error={change.error} />}
            {running.length > 1 && (
              // biome-ignore lint/a11y/useSemanticElements: its legend is the list's label.
              <div className={styles.databases} role="group" aria-label={words.databases}>
                {running.map((name) => (
                  <Checkbox
                    key={name}
                    label={name}
                    checked={!leftOut.has(name)}
                    onChange={(_, { checked }) => {
                      const next = new Set(leftOut);
                      if (checked === true) next.delete(name);
                      else next.add(name);
                      setLeftOut(next);
                    }}
                  />
                ))}
              </div>
            )}
            <Subtitle2 as="h3" className={styles.title}>
              {words.stays}
            </Subtitle2>
            <span>{words.staysSource}</span>
            {begun.length > 0 && (
              <div>
                {words.staysTarget}
                <CodeBlock code={begun.map((name) => `drop database ${quoted(name)};`).join("\n")} />
              </div>
            )}
          </DialogContent>
          <DialogActions>
            <DialogTrigger disableButtonEnhancement>
              <Button>{text.cancelDialog}</Button>
            </DialogTrigger>
            <Button
              appearance="primary"
              disabled={chosen.length === 0 || change.isPending}
              onClick={() => void start().catch(() => {})}
            >
              {all ? words.start : words.startSome}
            </Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}

/** A name as SQL for a person to run. */
function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
