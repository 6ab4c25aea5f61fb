/** The target servers that have migrations, and the way to another one. */
import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  DialogTrigger,
  Field,
  Input,
  makeStyles,
  mergeClasses,
  tokens,
} from "@fluentui/react-components";
import { Add20Regular, Server24Regular } from "@fluentui/react-icons";
import { type FormEvent, useState } from "react";
import { useTargetServers } from "../api/queries.js";
import type { TargetServer } from "../api/resources.js";
import { Empty } from "../elements/empty.js";
import { Link } from "../elements/link.js";
import { Loading } from "../elements/loading.js";
import { Problem } from "../elements/problem.js";
import { Refreshed } from "../elements/refreshed.js";
import { Status } from "../elements/status.js";
import { Time } from "../elements/time.js";
import { count } from "../format/quantities.js";
import { go } from "../navigation/location.js";
import { newMigrationHref, serverHref } from "../navigation/routes.js";
import { PageHead } from "../shell/page-frame.js";
import { text } from "../text.js";

const useStyles = makeStyles({
  servers: {
    listStyleType: "none",
    margin: 0,
    padding: 0,
    display: "grid",
    gridTemplateColumns: "repeat(auto-fill, minmax(min(100%, 320px), 1fr))",
    gap: "16px",
  },
  server: {
    position: "relative",
    backgroundColor: tokens.colorNeutralBackground1,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: tokens.borderRadiusLarge,
    padding: "16px",
    display: "grid",
    gridTemplateColumns: "auto 1fr",
    columnGap: "12px",
    rowGap: "12px",
    ":hover": { boxShadow: tokens.shadow4, borderTopColor: tokens.colorNeutralStroke1Hover },
  },
  icon: { color: tokens.colorBrandForeground1, paddingTop: "2px" },
  name: { fontSize: tokens.fontSizeBase400, fontWeight: tokens.fontWeightSemibold, overflowWrap: "anywhere" },
  // The whole card is the link's.
  cover: { "::after": { content: '""', position: "absolute", inset: 0, borderRadius: tokens.borderRadiusLarge } },
  group: { color: tokens.colorNeutralForeground3 },
  facts: {
    gridColumnStart: 1,
    gridColumnEnd: 3,
    display: "flex",
    flexWrap: "wrap",
    columnGap: "24px",
    rowGap: "8px",
    margin: 0,
  },
  fact: { display: "flex", flexDirection: "column" },
  term: { color: tokens.colorNeutralForeground3, fontSize: tokens.fontSizeBase200 },
  value: { margin: 0, fontVariantNumeric: "tabular-nums" },
  empty: { backgroundColor: tokens.colorNeutralBackground1, borderRadius: tokens.borderRadiusLarge },
});

export function HomePage() {
  const styles = useStyles();
  const { data, error, dataUpdatedAt, refetch } = useTargetServers();
  return (
    <>
      <PageHead
        crumbs={[]}
        title={text.home.title}
        lead={text.home.lead}
        commands={
          <>
            <NewServerDialog like={data?.[0]} appearance="primary" />
            <Refreshed at={dataUpdatedAt} refresh={() => void refetch()} />
          </>
        }
      />
      {error !== null && <Problem error={error} retry={() => void refetch()} />}
      {data === undefined && error === null && <Loading />}
      {data?.length === 0 && (
        <div className={styles.empty}>
          <Empty action={<NewServerDialog like={undefined} appearance="secondary" />}>{text.home.empty}</Empty>
        </div>
      )}
      {data !== undefined && data.length > 0 && (
        <ul className={styles.servers}>
          {data.map((server) => (
            <Server key={server.id} server={server} />
          ))}
        </ul>
      )}
    </>
  );
}

function Server({ server }: { server: TargetServer }) {
  const styles = useStyles();
  const { subscriptionId: subscription, resourceGroup, name } = server;
  return (
    <li className={styles.server}>
      <span className={styles.icon} aria-hidden="true">
        <Server24Regular />
      </span>
      <div>
        <Link
          href={serverHref({ subscription, resourceGroup, server: name })}
          className={mergeClasses(styles.name, styles.cover)}
        >
          {name}
        </Link>
        <div className={styles.group}>{resourceGroup}</div>
      </div>
      <dl className={styles.facts}>
        <div className={styles.fact}>
          <dt className={styles.term}>{text.home.migrations}</dt>
          <dd className={styles.value}>{count(server.migrations)}</dd>
        </div>
        <div className={styles.fact}>
          <dt className={styles.term}>{text.home.active}</dt>
          <dd className={styles.value}>{count(server.activeMigrations)}</dd>
        </div>
        <div className={styles.fact}>
          <dt className={styles.term}>{text.home.last}</dt>
          <dd className={styles.value}>
            <Time iso={server.lastStartedOn} />
          </dd>
        </div>
        {server.waitingMigrations > 0 && (
          <div className={styles.fact}>
            <dt className={styles.term}>{text.home.waiting}</dt>
            <dd className={styles.value}>
              <Status tone="waiting">{count(server.waitingMigrations)}</Status>
            </dd>
          </div>
        )}
      </dl>
    </li>
  );
}

const serverName = /^[a-z0-9]([a-z0-9-]{1,61})[a-z0-9]$/i;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const groupName = /^[\p{L}\p{N}_.()-]{1,90}$/u;

function NewServerDialog({
  like,
  appearance,
}: {
  like: TargetServer | undefined;
  appearance: "primary" | "secondary";
}) {
  const [name, setName] = useState("");
  const [group, setGroup] = useState(like?.resourceGroup ?? "local");
  const [subscription, setSubscription] = useState(like?.subscriptionId ?? "00000000-0000-0000-0000-000000000000");
  const valid = { name: serverName.test(name), group: groupName.test(group), subscription: uuid.test(subscription) };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (valid.name && valid.group && valid.subscription) {
      go(newMigrationHref({ subscription, resourceGroup: group, server: name }));
    }
  };
  const { home } = text;
  return (
    <Dialog>
      <DialogTrigger disableButtonEnhancement>
        <Button appearance={appearance} icon={<Add20Regular />}>
          {home.newMigration}
        </Button>
      </DialogTrigger>
      <DialogSurface>
        <form onSubmit={submit}>
          <DialogBody>
            <DialogTitle>{home.newTitle}</DialogTitle>
            <DialogContent style={{ display: "flex", flexDirection: "column", gap: 12 }}>
              {home.newExplanation}
              <Field
                label={home.targetName}
                hint={home.targetNameHelp}
                required
                validationState={name !== "" && !valid.name ? "error" : "none"}
                validationMessage={name !== "" && !valid.name ? home.targetNameInvalid : undefined}
              >
                <Input value={name} onChange={(_, data) => setName(data.value.trim())} autoComplete="off" />
              </Field>
              <Field
                label={home.resourceGroup}
                required
                validationState={valid.group ? "none" : "error"}
                validationMessage={valid.group ? undefined : home.groupInvalid}
              >
                <Input value={group} onChange={(_, data) => setGroup(data.value.trim())} autoComplete="off" />
              </Field>
              <Field
                label={home.subscription}
                hint={home.subscriptionHelp}
                required
                validationState={valid.subscription ? "none" : "error"}
                validationMessage={valid.subscription ? undefined : home.subscriptionInvalid}
              >
                <Input
                  value={subscription}
                  onChange={(_, data) => setSubscription(data.value.trim())}
                  autoComplete="off"
                />
              </Field>
            </DialogContent>
            <DialogActions>
              <DialogTrigger disableButtonEnhancement>
                <Button>{text.cancelDialog}</Button>
              </DialogTrigger>
              <Button appearance="primary" type="submit" disabled={!valid.name || !valid.group || !valid.subscription}>
                {home.next}
              </Button>
            </DialogActions>
          </DialogBody>
        </form>
      </DialogSurface>
    </Dialog>
  );
}
