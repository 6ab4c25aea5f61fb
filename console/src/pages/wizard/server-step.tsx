/** Source or target: address, login, and what the server says when one connects. */
import {
  Button,
  Checkbox,
  Field,
  Input,
  MessageBar,
  MessageBarBody,
  MessageBarTitle,
  makeStyles,
  Select,
  Spinner,
} from "@fluentui/react-components";
import { PlugConnected20Regular } from "@fluentui/react-icons";
import type { UseMutationResult } from "@tanstack/react-query";
import type { Probe } from "../../api/resources.js";
import { Problem } from "../../elements/problem.js";
import { Words } from "../../elements/words.js";
import { bytes } from "../../format/quantities.js";
import { text } from "../../text.js";
import {
  type Draft,
  hostIsLegal,
  mayHaveResource,
  portIsLegal,
  resourceIsLegal,
  type ServerDraft,
  serverIsComplete,
  usesResource,
} from "./draft.js";

const useStyles = makeStyles({
  row: { display: "grid", gridTemplateColumns: "minmax(0, 3fr) minmax(90px, 1fr)", gap: "16px", maxWidth: "640px" },
  field: { maxWidth: "640px" },
  pair: {
    display: "grid",
    gridTemplateColumns: "repeat(auto-fit, minmax(min(100%, 240px), 1fr))",
    gap: "16px",
    maxWidth: "640px",
  },
  connect: { display: "flex", alignItems: "center", gap: "12px", minHeight: "32px" },
  body: { whiteSpace: "normal", overflowWrap: "anywhere", paddingTop: "6px", paddingBottom: "6px" },
  outcome: { display: "flex", flexDirection: "column", gap: "8px", minHeight: "48px" },
});

export type Connect = UseMutationResult<Probe, Error, void>;

export function ServerStep({
  side,
  draft,
  change,
  connect,
  probe,
  source,
}: {
  side: "source" | "target";
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  connect: Connect;
  probe: Probe | undefined;
  /** What the source has said, for the target to be compared with. */
  source?: Probe | undefined;
}) {
  const styles = useStyles();
  const words = text.wizard;
  const server = draft[side];
  const set = (part: Partial<ServerDraft>) => change({ [side]: { ...server, ...part } });
  const problem = (wrong: boolean, message: string) =>
    wrong ? { validationState: "error" as const, validationMessage: message } : {};
  const resource = side === "source" && usesResource(draft);
  return (
    <>
      {side === "source" && mayHaveResource(draft.sourceType) && (
        <Checkbox
          label={words.resourceInstead}
          checked={draft.byResource}
          onChange={(_, { checked }) => change({ byResource: checked === true })}
        />
      )}
      {resource ? (
        <Field
          className={styles.field}
          label={words.resource}
          hint={words.resourceHelp}
          required
          {...problem(server.resourceId !== "" && !resourceIsLegal(server.resourceId), words.resourceInvalid)}
        >
          <Input
            value={server.resourceId}
            onChange={(_, { value }) => set({ resourceId: value.trim() })}
            autoComplete="off"
          />
        </Field>
      ) : (
        <div className={styles.row}>
          <Field
            label={words.host}
            hint={words.hostHelp}
            required
            {...problem(server.host !== "" && !hostIsLegal(server.host), words.hostInvalid)}
          >
            <Input value={server.host} onChange={(_, { value }) => set({ host: value.trim() })} autoComplete="off" />
          </Field>
          <Field label={words.port} required {...problem(!portIsLegal(server.port), words.portInvalid)}>
            <Input
              inputMode="numeric"
              value={server.port}
              onChange={(_, { value }) => set({ port: value.trim() })}
              autoComplete="off"
            />
          </Field>
        </div>
      )}
      <div className={styles.pair}>
        <Field label={words.user} hint={side === "source" ? words.sourceUserHelp : words.targetUserHelp} required>
          <Input value={server.user} onChange={(_, { value }) => set({ user: value })} autoComplete="off" />
        </Field>
        <Field label={words.password} hint={words.passwordHelp} required>
          <Input
            type="password"
            value={server.password}
            onChange={(_, { value }) => set({ password: value })}
            autoComplete="new-password"
          />
        </Field>
      </div>
      <Field className={styles.field} label={words.tls} hint={words.tlsHelp}>
        <Select value={draft.sslMode} onChange={(_, { value }) => change({ sslMode: value as Draft["sslMode"] })}>
          {(Object.keys(words.tlsModes) as Draft["sslMode"][]).map((mode) => (
            <option key={mode} value={mode}>
              {words.tlsModes[mode]}
            </option>
          ))}
        </Select>
      </Field>
      <div className={styles.connect}>
        <Button
          icon={<PlugConnected20Regular />}
          disabled={!serverIsComplete(draft, side) || connect.isPending}
          onClick={() => connect.mutate()}
        >
          {side === "source" ? words.connectSource : words.connectTarget}
        </Button>
        {connect.isPending && <Spinner size="tiny" label={words.connecting} />}
      </div>
      <div className={styles.outcome} aria-live="polite">
        {connect.error !== null && !connect.isPending && <Problem error={connect.error} />}
        {probe !== undefined && !connect.isPending && (
          <Outcome side={side} probe={probe} draft={draft} source={source} />
        )}
      </div>
    </>
  );
}

function Outcome({
  side,
  probe,
  draft,
  source,
}: {
  side: "source" | "target";
  probe: Probe;
  draft: Draft;
  source: Probe | undefined;
}) {
  const styles = useStyles();
  const words = text.wizard;
  if (!probe.reachable) {
    return (
      <MessageBar intent="error" layout="multiline">
        <MessageBarBody className={styles.body}>
          <MessageBarTitle>{probe.error.code}</MessageBarTitle>
          <Words>{probe.error.message}</Words>
        </MessageBarBody>
      </MessageBar>
    );
  }
  const missing: string[] = [];
  if (side === "source" && draft.mode === "Online") {
    if (probe.majorVersion < 10) missing.push(words.onlineMissing.version);
    if (probe.walLevel !== "logical") missing.push(words.onlineMissing.wal);
    if (probe.freeReplicationSlots < 1) missing.push(words.onlineMissing.slots);
    if (probe.freeWalSenders < 1) missing.push(words.onlineMissing.senders);
    if (!probe.mayReplicate) missing.push(words.onlineMissing.privilege(probe.user));
  }
  if (side === "target" && !probe.mayCreateDatabases) missing.push(words.mayNotCreate(probe.user));
  if (side === "target" && source?.reachable && source.majorVersion > probe.majorVersion)
    missing.push(words.olderTarget);
  if (!probe.tls.inUse) missing.push(words.plainText);
  return (
    <>
      <MessageBar intent="success" layout="multiline">
        <MessageBarBody className={styles.body}>
          {[
            words.connected(
              probe.version,
              bytes(probe.sizeBytes),
              words.databasesCount(probe.databases),
              probe.walLevel,
              words.ms(probe.milliseconds),
            ),
            ...(probe.location === undefined ? [] : [probe.location]),
            ...(probe.administrator === undefined ? [] : [words.administrator(probe.administrator)]),
          ].join(" · ")}
        </MessageBarBody>
      </MessageBar>
      {missing.map((one) => (
        <MessageBar key={one} intent="warning" layout="multiline">
          <MessageBarBody className={styles.body}>
            <Words>{one}</Words>
          </MessageBarBody>
        </MessageBar>
      ))}
    </>
  );
}
