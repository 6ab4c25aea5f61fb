/** One migration: what it does now, what it needs from a person, and everything about it in tabs. */
import { Button, makeStyles, Tab, TabList, tokens } from "@fluentui/react-components";
import {
  ArrowRepeatAll20Regular,
  ArrowSwap20Regular,
  DocumentText20Regular,
  Play20Regular,
  Stop20Regular,
} from "@fluentui/react-icons";
import { useMemo, useState } from "react";
import {
  useDatabases,
  useMigration,
  useSamples,
  useStatements,
  useTables,
  useTransitions,
  useValidations,
} from "../api/queries.js";
import type { Migration, MigrationId } from "../api/resources.js";
import { Loading } from "../elements/loading.js";
import { Problem } from "../elements/problem.js";
import { Refreshed } from "../elements/refreshed.js";
import { MigrationStatus } from "../elements/status.js";
import { eventsOf } from "../migration/events.js";
import { hasEnded, stateOf, substateOf } from "../migration/progress.js";
import { stagesOf } from "../migration/stages.js";
import { go, usePlace } from "../navigation/location.js";
import {
  homeHref,
  type MigrationTab,
  migrationHref,
  newMigrationHref,
  reportHref,
  serverHref,
} from "../navigation/routes.js";
import { PageHead } from "../shell/page-frame.js";
import { text } from "../text.js";
import { Attention } from "./migration/attention.js";
import { CancelDialog } from "./migration/cancel-dialog.js";
import { CopyPanel } from "./migration/copy-panel.js";
import { CutoverDialog } from "./migration/cutover-dialog.js";
import { DatabasesTab } from "./migration/databases-tab.js";
import { Essentials } from "./migration/essentials.js";
import { EventsTab } from "./migration/events-tab.js";
import { StageLine } from "./migration/stage-line.js";
import { StatementsTab } from "./migration/statements-tab.js";
import { TablesTab } from "./migration/tables-tab.js";
import { ValidationTab } from "./migration/validation-tab.js";

const useStyles = makeStyles({
  tabs: {
    overflowX: "auto",
    overflowY: "hidden",
    borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
    marginBottom: "16px",
  },
});

export default function MigrationPage({
  migration: id,
  tab,
}: {
  migration: MigrationId;
  tab: MigrationTab | undefined;
}) {
  const { data: migration, error, dataUpdatedAt, refetch } = useMigration(id);
  const head = {
    crumbs: [
      { label: text.home.title, href: homeHref() },
      { label: text.grid.title(id.server), href: serverHref(id) },
    ],
    title: id.name,
  };
  if (migration === undefined) {
    return (
      <>
        <PageHead {...head} />
        {error === null ? <Loading /> : <Problem error={error} retry={() => void refetch()} />}
      </>
    );
  }
  return <Details {...{ id, tab, migration, error, dataUpdatedAt, head }} refetch={() => void refetch()} />;
}

function Details({
  id,
  tab,
  migration,
  error,
  dataUpdatedAt,
  refetch,
  head,
}: {
  id: MigrationId;
  tab: MigrationTab | undefined;
  migration: Migration;
  error: unknown;
  dataUpdatedAt: number;
  refetch: () => void;
  head: { crumbs: { label: string; href: string }[]; title: string };
}) {
  const styles = useStyles();
  const place = usePlace();
  const [dialog, setDialog] = useState<"cutover" | "cancel" | undefined>();
  const ended = hasEnded(migration);
  const validates = migration.properties.migrationOption === "Validate";
  const databases = useDatabases(id, ended);
  const samples = useSamples(id, ended);
  const transitions = useTransitions(id, migration);
  const validations = useValidations(id, migration);
  const shown: MigrationTab =
    tab ??
    (validates || stateOf(migration) === "ValidationFailed" || substateOf(migration) === "ValidationInProgress"
      ? "validation"
      : "databases");
  const attempts = (databases.data ?? []).map(({ attempt }) => attempt).join();
  const tables = useTables(id, { ended, attempts, wanted: shown === "tables" && databases.data !== undefined });
  const statements = useStatements(id, { ended, wanted: shown === "statements" });
  const stages = useMemo(() => stagesOf(migration, transitions.data ?? []), [migration, transitions.data]);
  const events = useMemo(
    () => (transitions.data === undefined ? undefined : eventsOf(migration, transitions.data, databases.data ?? [])),
    [migration, transitions.data, databases.data],
  );
  const database = place.query.get("database") ?? undefined;
  const show = (next: MigrationTab, query: Record<string, string | undefined> = {}) =>
    go(migrationHref(id, next, query), { replace: true, keepScroll: true });
  const words = text.migration;
  const mayCutOver = substateOf(migration) === "WaitingForCutoverTrigger" && !ended;
  const problem = [error, databases.error, transitions.error, validations.error, tables.error, statements.error].find(
    (one) => one !== null,
  );
  const tabs: readonly MigrationTab[] = [
    ...(validates ? [] : (["databases", "tables"] as const)),
    "validation",
    ...(validates ? [] : (["statements"] as const)),
    "events",
  ];
  return (
    <>
      <PageHead
        {...head}
        beside={<MigrationStatus migration={migration} />}
        commands={
          <>
            {mayCutOver && (
              <Button appearance="primary" icon={<ArrowSwap20Regular />} onClick={() => setDialog("cutover")}>
                {words.cutover}
              </Button>
            )}
            {!ended && (
              <Button icon={<Stop20Regular />} onClick={() => setDialog("cancel")}>
                {words.cancel}
              </Button>
            )}
            {ended && validates && stateOf(migration) === "Succeeded" && (
              <Button
                appearance="primary"
                icon={<Play20Regular />}
                onClick={() => go(newMigrationHref(id, id.name, "Migrate"))}
              >
                {words.migrateNow}
              </Button>
            )}
            {ended && (validates || stateOf(migration) === "ValidationFailed") && (
              <Button icon={<ArrowRepeatAll20Regular />} onClick={() => go(newMigrationHref(id, id.name))}>
                {words.validateAgain}
              </Button>
            )}
            {ended && (stateOf(migration) === "Failed" || stateOf(migration) === "Canceled") && (
              <Button icon={<ArrowRepeatAll20Regular />} onClick={() => go(newMigrationHref(id, id.name))}>
                {words.again}
              </Button>
            )}
            <Button icon={<DocumentText20Regular />} onClick={() => go(reportHref(id))}>
              {words.report}
            </Button>
            <Refreshed at={dataUpdatedAt} refresh={refetch} />
          </>
        }
      />
      {problem !== undefined && <Problem error={problem} retry={refetch} />}
      <Essentials migration={migration} id={id} />
      <StageLine stages={stages} />
      <Attention migration={migration} id={id} databases={databases.data ?? []} transitions={transitions.data ?? []} />
      {!validates && <CopyPanel migration={migration} databases={databases.data ?? []} samples={samples.data ?? []} />}
      <TabList
        className={styles.tabs}
        selectedValue={shown}
        onTabSelect={(_, { value }) => show(value as MigrationTab)}
        aria-label={words.tabs.label}
      >
        {tabs.map((name) => (
          <Tab key={name} value={name} id={`tab-${name}`}>
            {words.tabs[name]}
          </Tab>
        ))}
      </TabList>
      <div role="tabpanel" aria-labelledby={`tab-${shown}`}>
        {shown === "databases" && (
          <DatabasesTab
            migration={migration}
            databases={databases.data}
            samples={samples.data ?? []}
            showTables={(name) => show("tables", { database: name })}
          />
        )}
        {shown === "tables" && (
          <TablesTab
            tables={tables.data?.tables}
            databases={migration.properties.dbsToMigrate}
            database={database}
            chooseDatabase={(name) => show("tables", { database: name })}
          />
        )}
        {shown === "validation" && <ValidationTab migration={migration} outcomes={validations.data} />}
        {shown === "statements" && <StatementsTab id={id} migration={migration} statements={statements.data} />}
        {shown === "events" && <EventsTab name={id.name} events={events} />}
      </div>
      <CutoverDialog id={id} open={dialog === "cutover"} close={() => setDialog(undefined)} />
      <CancelDialog
        id={id}
        migration={migration}
        databases={databases.data ?? []}
        open={dialog === "cancel" && !ended}
        close={() => setDialog(undefined)}
      />
    </>
  );
}
