/** What needs a person, if anything does: the words, the remedy, the button; and the end, good or bad. */
import {
  Button,
  MessageBar,
  MessageBarActions,
  MessageBarBody,
  MessageBarTitle,
  makeStyles,
} from "@fluentui/react-components";
import { useChange } from "../../api/commands.js";
import type { DatabaseProgress, Migration, MigrationId, TransitionRecord } from "../../api/resources.js";
import { useNow } from "../../elements/now.js";
import { Problem } from "../../elements/problem.js";
import { Words } from "../../elements/words.js";
import { bytes, duration } from "../../format/quantities.js";
import { downtimeOf } from "../../migration/downtime.js";
import { isWaiting, stateOf, substateOf } from "../../migration/progress.js";
import { text } from "../../text.js";

const useStyles = makeStyles({
  bar: { margin: "12px 0" },
  body: { whiteSpace: "normal", overflowWrap: "anywhere", paddingTop: "6px", paddingBottom: "6px" },
});

export function Attention({
  migration,
  id,
  databases,
  transitions,
}: {
  migration: Migration;
  id: MigrationId;
  databases: readonly DatabaseProgress[];
  transitions: readonly TransitionRecord[];
}) {
  const change = useChange(id);
  const words = text.migration;
  const [state, substate] = [stateOf(migration), substateOf(migration)];
  const { error } = migration.properties.currentStatus;
  const refusal = change.error !== null ? <Problem error={change.error} /> : null;
  const ask = (properties: Readonly<Record<string, unknown>>) => change.mutate(properties);
  if (isWaiting(migration) && substate !== undefined) {
    const action = {
      WaitingForTargetDBOverwriteConfirmation: [words.overwrite, () => ask({ overwriteDbsInTarget: "True" })],
      WaitingForDataMigrationScheduling: [words.startNow, () => ask({ startDataMigration: "True" })],
      WaitingForDataMigrationWindow: [words.startNow, () => ask({ startDataMigration: "True" })],
      WaitingForLogicalReplicationSetupRequestOnSourceDB:
        migration.properties.setupLogicalReplicationOnSourceDbIfNeeded === "True"
          ? undefined
          : [words.setUpReplication, () => ask({ setupLogicalReplicationOnSourceDbIfNeeded: "True" })],
    }[substate as string] as readonly [string, () => void] | undefined;
    return (
      <>
        {refusal}
        <Bar
          intent={substate === "WaitingForCutoverTrigger" ? "info" : "warning"}
          action={action}
          busy={change.isPending}
        >
          <div>{words.waiting[substate]}</div>
          {error ? <Words>{error}</Words> : null}
        </Bar>
        <DatabaseMessages databases={databases} />
      </>
    );
  }
  if (substate === "CompletingMigration" && state === "InProgress")
    return <CuttingOver databases={databases} transitions={transitions} />;
  if (state === "Failed") {
    return (
      <Bar intent="error" title={words.failed}>
        <Words>{error ?? ""}</Words>
      </Bar>
    );
  }
  if (state === "ValidationFailed") {
    return (
      <Bar intent="error" title={words.validationFailed}>
        {words.validationFailedHint}
      </Bar>
    );
  }
  if (state === "Succeeded") {
    const down = downtimeOf(transitions);
    if (down !== undefined) {
      return (
        <Bar intent="success" title={words.mayGoOn}>
          {words.downtime(duration(down))}
        </Bar>
      );
    }
    if (migration.properties.migrationOption === "Validate") return <Bar intent="success">{words.validated}</Bar>;
    return null;
  }
  if (error) {
    return (
      <Bar intent="warning">
        <Words>{error}</Words>
      </Bar>
    );
  }
  return <DatabaseMessages databases={databases} />;
}

/** What keeps a database from getting on, as long as the migration runs. */
function DatabaseMessages({ databases }: { databases: readonly DatabaseProgress[] }) {
  return databases
    .filter(({ message, state }) => message !== undefined && state !== "Succeeded" && state !== "Canceled")
    .map(({ database, message, state }) => (
      <Bar key={database} intent={state === "Failed" ? "error" : "warning"} title={database}>
        <Words>{message ?? ""}</Words>
      </Bar>
    ));
}

/** The downtime, counted until the application may go on. */
function CuttingOver({
  databases,
  transitions,
}: {
  databases: readonly DatabaseProgress[];
  transitions: readonly TransitionRecord[];
}) {
  useNow();
  const words = text.migration;
  const sum = (column: "appliedChanges" | "incomingChanges") =>
    databases.reduce((all, one) => all + (one[column] ?? 0), 0);
  const since = transitions.findLast(({ substate }) => substate === "CompletingMigration")?.time;
  return (
    <Bar intent="info" title={words.cuttingOver}>
      {words.applying(bytes(sum("appliedChanges")), bytes(Math.max(sum("incomingChanges"), sum("appliedChanges"))))}
      {since !== undefined &&
        ` · ${words.downtime(duration(Math.max(0, Math.floor((Date.now() - Date.parse(since)) / 1_000))))}`}
    </Bar>
  );
}

function Bar({
  intent,
  title,
  action,
  busy = false,
  children,
}: {
  intent: "info" | "warning" | "error" | "success";
  title?: string;
  action?: readonly [label: string, run: () => void];
  busy?: boolean;
  children: React.ReactNode;
}) {
  const styles = useStyles();
  return (
    <MessageBar intent={intent} layout="multiline" className={styles.bar}>
      <MessageBarBody className={styles.body}>
        {title !== undefined && <MessageBarTitle>{title}</MessageBarTitle>}
        {children}
      </MessageBarBody>
      {action !== undefined && (
        <MessageBarActions>
          <Button appearance="primary" disabled={busy} onClick={action[1]}>
            {action[0]}
          </Button>
        </MessageBarActions>
      )}
    </MessageBar>
  );
}
