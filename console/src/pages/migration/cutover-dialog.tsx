/** The cutover's checklist, live: what has to hold, what will happen, and once more the question when something does not hold. */
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
  MessageBar,
  MessageBarBody,
  makeStyles,
  Subtitle2,
  tokens,
} from "@fluentui/react-components";
import { CheckmarkCircle20Filled, Warning20Filled } from "@fluentui/react-icons";
import { type ReactNode, useState } from "react";
import { useChange } from "../../api/commands.js";
import { useCutoverReadiness } from "../../api/queries.js";
import type { CutoverReadiness, MigrationId } from "../../api/resources.js";
import { Loading } from "../../elements/loading.js";
import { Problem } from "../../elements/problem.js";
import { Words } from "../../elements/words.js";
import { bytes, count, minutes } from "../../format/quantities.js";
import { text } from "../../text.js";

const useStyles = makeStyles({
  content: { display: "flex", flexDirection: "column", gap: "12px", minHeight: "300px" },
  list: { listStyleType: "none", margin: 0, padding: 0, display: "flex", flexDirection: "column", gap: "12px" },
  item: { display: "grid", gridTemplateColumns: "auto 1fr", gap: "10px" },
  good: { color: tokens.colorStatusSuccessForeground1 },
  warning: { color: tokens.colorPaletteMarigoldForeground1 },
  head: { fontWeight: tokens.fontWeightSemibold },
  detail: { color: tokens.colorNeutralForeground2, overflowWrap: "anywhere" },
  title: { margin: 0 },
  plain: { margin: "4px 0 0", paddingLeft: "20px" },
  databases: { display: "flex", flexWrap: "wrap", columnGap: "12px" },
});

/** Below that, seconds, an application waits for nothing that it would notice. */
const nearZero = 5;

export function CutoverDialog({ id, open, close }: { id: MigrationId; open: boolean; close: () => void }) {
  return (
    <Dialog open={open} onOpenChange={(_, data) => !data.open && close()}>
      <DialogSurface>{open && <Checklist id={id} close={close} />}</DialogSurface>
    </Dialog>
  );
}

function Checklist({ id, close }: { id: MigrationId; close: () => void }) {
  const styles = useStyles();
  const words = text.cutover;
  const { data, error, refetch } = useCutoverReadiness(id);
  const [leftOut, setLeftOut] = useState<ReadonlySet<string>>(new Set());
  const [anyway, setAnyway] = useState(false);
  const change = useChange(id);
  const chosen = (data ?? []).filter(({ database }) => !leftOut.has(database));
  const sum = (column: "openTransactions" | "pendingBytes" | "sequences" | "largeObjects" | "materializedViews") =>
    chosen.reduce((all, one) => all + (one[column] ?? 0), 0);
  const latency = Math.max(0, ...chosen.map(({ latencySeconds }) => latencySeconds ?? 0));
  const doubts =
    chosen.some(hasProblem) || sum("openTransactions") > 0 || latency > nearZero || sum("pendingBytes") > 0;
  const start = async () => {
    const all = leftOut.size === 0;
    await change.mutateAsync({
      triggerCutover: "True",
      ...(all ? {} : { dbsToTriggerCutoverOn: chosen.map(({ database }) => database) }),
    });
    close();
  };
  return (
    <DialogBody>
      <DialogTitle>{words.title(id.name)}</DialogTitle>
      <DialogContent className={styles.content}>
        <span>{words.lead}</span>
        {error !== null && <Problem error={error} retry={() => void refetch()} />}
        {change.error !== null && <Problem error={change.error} />}
        {data === undefined && error === null && <Loading rows={5} />}
        {data !== undefined && (
          <>
            {data.length > 1 && (
              // biome-ignore lint/a11y/useSemanticElements: its legend is the list's label.
              <div className={styles.databases} role="group" aria-label={words.databases}>
                {data.map(({ database }) => (
                  <Checkbox
                    key={database}
                    label={database}
                    checked={!leftOut.has(database)}
                    onChange={(_, { checked }) => {
                      const next = new Set(leftOut);
                      if (checked === true) next.delete(database);
                      else next.add(database);
                      setLeftOut(next);
                    }}
                  />
                ))}
              </div>
            )}
            <ul className={styles.list}>
              {chosen.filter(hasProblem).map(({ database, problem }) => (
                <Item key={database} holds={false} head={database}>
                  <Words>{problem ?? ""}</Words>
                </Item>
              ))}
              <Item holds={sum("openTransactions") === 0 && chosen.every(seesAll)} head={words.writes}>
                {sum("openTransactions") > 0
                  ? words.writesOpen(sum("openTransactions"))
                  : chosen.every(seesAll)
                    ? words.writesNone
                    : words.writesUnseen}
              </Item>
              <Item holds={latency <= nearZero && sum("pendingBytes") === 0} head={words.latency}>
                {words.latencyIs(minutes(latency), bytes(sum("pendingBytes")))}
              </Item>
              <Missing chosen={chosen} largeObjects={sum("largeObjects")} />
            </ul>
            <section>
              <Subtitle2 as="h3" className={styles.title}>
                {words.willHappen}
              </Subtitle2>
              <ul className={styles.plain}>
                <li>{words.changes}</li>
                {sum("sequences") > 0 && <li>{words.sequences(count(sum("sequences")))}</li>}
                {sum("materializedViews") > 0 && <li>{words.views(count(sum("materializedViews")))}</li>}
                <li>{words.dropped}</li>
              </ul>
            </section>
            {doubts && (
              <MessageBar intent="warning" layout="multiline">
                <MessageBarBody>
                  <div>{sum("openTransactions") > 0 ? words.writing : words.behind}</div>
                  <Checkbox
                    label={words.anyway}
                    checked={anyway}
                    onChange={(_, { checked }) => setAnyway(checked === true)}
                  />
                </MessageBarBody>
              </MessageBar>
            )}
          </>
        )}
      </DialogContent>
      <DialogActions>
        <DialogTrigger disableButtonEnhancement>
          <Button>{text.cancelDialog}</Button>
        </DialogTrigger>
        <Button
          appearance="primary"
          disabled={data === undefined || chosen.length === 0 || (doubts && !anyway) || change.isPending}
          onClick={() => void start().catch(() => {})}
        >
          {words.start}
        </Button>
      </DialogActions>
    </DialogBody>
  );
}

function hasProblem({ problem }: CutoverReadiness): boolean {
  return problem !== undefined;
}

function seesAll({ seesAllTransactions }: CutoverReadiness): boolean {
  return seesAllTransactions !== false;
}

function Missing({ chosen, largeObjects }: { chosen: readonly CutoverReadiness[]; largeObjects: number }) {
  const words = text.cutover;
  const tables = chosen.flatMap(({ tablesNotReplicated }) => tablesNotReplicated ?? []);
  const identity = chosen.flatMap(({ tablesWithoutIdentity }) => tablesWithoutIdentity ?? []);
  const nothing = tables.length === 0 && identity.length === 0 && largeObjects === 0;
  return (
    <Item holds={nothing} head={words.missing}>
      {nothing && words.missingNone}
      {tables.length > 0 && <div>{words.missingTables(tables.join(", "))}</div>}
      {identity.length > 0 && <div>{words.identity(identity.join(", "))}</div>}
      {largeObjects > 0 && <div>{words.largeObjects(count(largeObjects))}</div>}
    </Item>
  );
}

function Item({ holds, head, children }: { holds: boolean; head: string; children: ReactNode }) {
  const styles = useStyles();
  return (
    <li className={styles.item}>
      <span
        className={holds ? styles.good : styles.warning}
        role="img"
        aria-label={holds ? text.ruleStates.Succeeded : text.ruleStates.Warning}
      >
        {holds ? <CheckmarkCircle20Filled /> : <Warning20Filled />}
      </span>
      <div>
        <div className={styles.head}>{head}</div>
        <div className={styles.detail}>{children}</div>
      </div>
    </li>
  );
}
