import { MessageBar, MessageBarBody, makeStyles, Subtitle2, tokens } from "@fluentui/react-components";
import { apiUrl, migrationPath } from "../../api/client.js";
import type { ListedDatabase, ServerId } from "../../api/resources.js";
import { Facts } from "../../elements/facts.js";
import { CopyButton } from "../../elements/words.js";
import { bytes, duration } from "../../format/quantities.js";
import { apiRoot } from "../../navigation/location.js";
import { text } from "../../text.js";
import {
  addressOf,
  type Draft,
  requestToShow,
  type StepName,
  stepIsComplete,
  stepNames,
  usesResource,
} from "./draft.js";

const useStyles = makeStyles({
  card: {
    backgroundColor: tokens.colorNeutralBackground1,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: tokens.borderRadiusLarge,
    padding: "16px",
  },
  head: { margin: 0 },
  help: { color: tokens.colorNeutralForeground3, fontSize: tokens.fontSizeBase200 },
  copies: { display: "flex", flexWrap: "wrap", alignItems: "center", gap: "8px" },
});

/** What the validation rules estimated-duration and storage-size reckon with. */
const bytesPerSecond = 20 * 1024 ** 2;
const copiesAtOnce = 4;
const usefulStreams = 8;
const headroom = 1.25;

export function SummaryStep({
  draft,
  server,
  listed,
}: {
  draft: Draft;
  server: ServerId;
  listed: readonly ListedDatabase[] | undefined;
}) {
  const styles = useStyles();
  const words = text.wizard;
  const open = stepNames.filter((step): step is StepName => step !== "summary" && !stepIsComplete(draft, step));
  const size = (listed ?? [])
    .filter(({ name }) => draft.databases.includes(name))
    .reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0);
  const streams = Math.min(usefulStreams, draft.databases.length * copiesAtOnce);
  const validates = draft.option === "Validate";
  const when = {
    now: words.now,
    later: words.later,
    window: `${draft.windowStart.replace("T", " ")}${draft.windowEnd === "" ? "" : ` – ${draft.windowEnd.replace("T", " ")}`}`,
  }[draft.when];
  return (
    <>
      {open.length > 0 && (
        <MessageBar intent="warning" layout="multiline">
          <MessageBarBody>
            {`${words.problems} ${open.map((step) => words.steps[step]).join(", ")}. `}
            {(draft.source.password === "" || draft.target.password === "") && words.passwordsAgain}
          </MessageBarBody>
        </MessageBar>
      )}
      <div className={styles.card}>
        <Facts
          facts={[
            [words.name, draft.name],
            [words.option, text.options[draft.option]],
            [words.mode, text.modes[draft.mode]],
            [words.when, validates ? undefined : when],
            [
              words.steps.source,
              usesResource(draft) ? draft.source.resourceId : `${addressOf(draft.source)}, ${draft.source.user}`,
            ],
            [words.sourceType, text.sourceTypes[draft.sourceType]],
            [words.steps.target, `${addressOf(draft.target)}, ${draft.target.user}`],
            [words.tls, words.tlsModes[draft.sslMode]],
            [words.steps.databases, draft.databases.join(", ")],
            [words.overwrite, validates ? undefined : draft.overwrite ? words.yes : words.no],
            [words.roles, draft.migrateRoles ? words.yes : undefined],
            [words.verification, validates ? undefined : draft.verification],
            [words.setup, draft.mode === "Online" && draft.setUpReplication ? words.yes : undefined],
            [
              words.estimate,
              validates || size === 0
                ? undefined
                : words.estimateIs(
                    duration(Math.max(1, Math.ceil(size / (bytesPerSecond * streams)))),
                    String(streams),
                    bytes(size * headroom),
                  ),
            ],
          ]}
        />
        {!validates && size > 0 && <span className={styles.help}>{words.estimateHelp}</span>}
      </div>
      <section>
        <Subtitle2 as="h2" className={styles.head}>
          {`${words.curl} · ${words.cli}`}
        </Subtitle2>
        <div className={styles.copies}>
          <CopyButton value={curlOf(draft, server)} label={words.copyCurl} />
          <CopyButton value={cliOf(draft, server)} label={words.copyCli} />
          <span className={styles.help}>{words.summaryPasswords}</span>
        </div>
      </section>
    </>
  );
}

/** The request as a shell takes it: in a here-document nothing has to be escaped. */
function curlOf(draft: Draft, server: ServerId): string {
  return [
    `curl -X PUT '${apiUrl(migrationPath({ ...server, name: draft.name })).href}' \\`,
    "  -H 'content-type: application/json' --data-binary @- <<'END'",
    JSON.stringify(requestToShow(draft), null, 2),
    "END",
  ].join("\n");
}

function cliOf(draft: Draft, { subscription, resourceGroup, server }: ServerId): string {
  const { properties } = requestToShow(draft);
  const { adminCredentials, ...secretParameters } = properties.secretParameters;
  const file = { properties: { ...properties, secretParameters } };
  return [
    `cat > ${draft.name}.json <<'END'`,
    JSON.stringify(file, null, 2),
    "END",
    // Without passwords in the file it asks for them.
    `pgmigrate create --url '${apiRoot.href.replace(/\/$/, "")}' --subscription ${subscription} -g '${resourceGroup}' -s ${server} -n ${draft.name} -b ${draft.name}.json --watch`,
  ].join("\n");
}
