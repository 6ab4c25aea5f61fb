/** The wizard: five steps that may be gone through in any order; nothing is lost but passwords on reload. */
import { Button, makeStyles, Tab, TabList, tokens } from "@fluentui/react-components";
import { CheckmarkCircle20Filled, Circle20Regular, ErrorCircle20Filled } from "@fluentui/react-icons";
import { useMutation, useQueries, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { call, callAll, migrationPath, serverPath } from "../api/client.js";
import type {
  DatabaseContents,
  ListedDatabase,
  Migration,
  MigrationOption,
  Probe,
  ServerId,
} from "../api/resources.js";
import { Loading } from "../elements/loading.js";
import { Problem } from "../elements/problem.js";
import { go, usePlace } from "../navigation/location.js";
import { homeHref, migrationHref, serverHref } from "../navigation/routes.js";
import { PageHead } from "../shell/page-frame.js";
import { text } from "../text.js";
import { DatabasesStep } from "./wizard/databases-step.js";
import {
  type Draft,
  emptyDraft,
  forgetDraft,
  keepDraft,
  keptDraft,
  maximumDatabases,
  requestOf,
  type StepName,
  serverIsComplete,
  serverProperties,
  stepIsComplete,
  stepNames,
} from "./wizard/draft.js";
import { draftFrom } from "./wizard/from-migration.js";
import { ServerStep } from "./wizard/server-step.js";
import { SetupStep } from "./wizard/setup-step.js";
import { SummaryStep } from "./wizard/summary-step.js";

const useStyles = makeStyles({
  tabs: {
    overflowX: "auto",
    overflowY: "hidden",
    borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
    marginBottom: "20px",
  },
  step: { display: "flex", flexDirection: "column", gap: "20px", maxWidth: "1100px", minHeight: "320px" },
  foot: {
    display: "flex",
    flexWrap: "wrap",
    gap: "8px",
    position: "sticky",
    bottom: 0,
    marginTop: "24px",
    padding: "12px 0",
    backgroundColor: tokens.colorNeutralBackground2,
    borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  spacer: { flexGrow: 1 },
  good: { color: tokens.colorStatusSuccessForeground1 },
  bad: { color: tokens.colorStatusDangerForeground1 },
});

export default function NewMigrationPage({ server }: { server: ServerId }) {
  const { query } = usePlace();
  const from = query.get("from");
  const { data, error, refetch } = useQuery({
    queryKey: ["migration", migrationPath({ ...server, name: from ?? "" })],
    queryFn: ({ signal }) => call<Migration>(migrationPath({ ...server, name: from ?? "" }), { signal }),
    enabled: from !== null,
  });
  if (from !== null && error !== null) return <Problem error={error} retry={() => void refetch()} />;
  if (from !== null && data === undefined) return <Loading />;
  const option = query.get("option") as MigrationOption | null;
  return (
    <Wizard
      key={from}
      server={server}
      begin={data === undefined ? undefined : draftFrom(data, server.server, option ?? undefined)}
    />
  );
}

function Wizard({ server, begin }: { server: ServerId; begin: Draft | undefined }) {
  const styles = useStyles();
  const words = text.wizard;
  const queries = useQueryClient();
  const [draft, setDraft] = useState<Draft>(() => begin ?? keptDraft(server) ?? emptyDraft);
  const [step, setStep] = useState<StepName>("setup");
  const [seen, setSeen] = useState<ReadonlySet<StepName>>(new Set(["setup"]));
  useEffect(() => keepDraft(server, draft), [server, draft]);
  const change = (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part }));
  const visit = (next: StepName) => {
    setSeen((before) => new Set([...before, step, next]));
    setStep(next);
    scrollTo(0, 0);
  };

  // What a server said holds for the login that it was asked with.
  const loginOf = (side: "source" | "target") =>
    JSON.stringify([draft[side], draft.sslMode, draft.sourceType, draft.byResource]);
  const [said, setSaid] = useState<{
    source?: { login: string; probe: Probe };
    target?: { login: string; probe: Probe };
  }>({});
  const useConnect = (side: "source" | "target") =>
    useMutation({
      mutationFn: async () => {
        const login = loginOf(side);
        const answer = await call<{ source?: Probe; target?: Probe }>(`${serverPath(server)}/testConnection`, {
          method: "POST",
          body: { properties: serverProperties(draft, [side]) },
        });
        const probe = answer[side];
        if (probe === undefined) throw new Error("The service has not tried the connection.");
        setSaid((before) => ({ ...before, [side]: { login, probe } }));
        return probe;
      },
    });
  const connectSource = useConnect("source");
  const connectTarget = useConnect("target");
  const probeOf = (side: "source" | "target") => (said[side]?.login === loginOf(side) ? said[side]?.probe : undefined);
  const [sourceProbe, targetProbe] = [probeOf("source"), probeOf("target")];

  const list = useSourceDatabases(server, draft, loginOf("source"), step === "databases" || step === "summary");
  const contents = useContents(server, draft, loginOf("source"), list.data);
  const onTarget = useTargetDatabases(server, draft, loginOf("target"), step === "databases");

  const start = useMutation({
    mutationFn: () =>
      call<Migration>(migrationPath({ ...server, name: draft.name }), { method: "PUT", body: requestOf(draft) }),
    onSuccess: (migration) => {
      forgetDraft(server);
      void queries.invalidateQueries();
      go(migrationHref({ ...server, name: migration.name }), { replace: true });
    },
  });

  const stateOf = (name: StepName): "done" | "problem" | "open" => {
    const probe = name === "source" ? sourceProbe : name === "target" ? targetProbe : undefined;
    if (probe?.reachable === false) return "problem";
    if (name === "summary") return "open";
    if (stepIsComplete(draft, name)) return "done";
    return seen.has(name) && name !== step ? "problem" : "open";
  };
  const index = stepNames.indexOf(step);
  const [before, after] = [stepNames[index - 1], stepNames[index + 1]];
  return (
    <>
      <PageHead
        crumbs={[
          { label: text.home.title, href: homeHref() },
          { label: text.grid.title(server.server), href: serverHref(server) },
        ]}
        title={words.title}
      />
      <TabList
        className={styles.tabs}
        selectedValue={step}
        onTabSelect={(_, { value }) => visit(value as StepName)}
        aria-label={words.stepsLabel}
      >
        {stepNames.map((name, position) => {
          const state = stateOf(name);
          return (
            <Tab
              key={name}
              value={name}
              id={`step-${name}`}
              icon={
                state === "done" ? (
                  <CheckmarkCircle20Filled className={styles.good} />
                ) : state === "problem" ? (
                  <ErrorCircle20Filled className={styles.bad} />
                ) : (
                  <Circle20Regular />
                )
              }
              aria-label={`${position + 1} ${words.steps[name]}, ${name === step ? words.stepStates.current : words.stepStates[state]}`}
            >
              {words.steps[name]}
            </Tab>
          );
        })}
      </TabList>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (after !== undefined) visit(after);
        }}
      >
        <div className={styles.step} role="tabpanel" aria-labelledby={`step-${step}`}>
          {step === "setup" && <SetupStep draft={draft} change={change} server={server} />}
          {step === "source" && (
            <ServerStep side="source" draft={draft} change={change} connect={connectSource} probe={sourceProbe} />
          )}
          {step === "target" && (
            <ServerStep
              side="target"
              draft={draft}
              change={change}
              connect={connectTarget}
              probe={targetProbe}
              source={sourceProbe}
            />
          )}
          {step === "databases" &&
            (serverIsComplete(draft, "source") ? (
              <DatabasesStep
                draft={draft}
                change={change}
                listed={list.data}
                contents={contents}
                onTarget={onTarget}
                error={list.error}
                retry={() => void list.refetch()}
              />
            ) : (
              <span>{words.connectFirst}</span>
            ))}
          {step === "summary" && <SummaryStep draft={draft} server={server} listed={list.data} />}
          {start.error !== null && <Problem error={start.error} />}
        </div>
        <div className={styles.foot}>
          <Button type="button" disabled={before === undefined} onClick={() => before !== undefined && visit(before)}>
            {text.back}
          </Button>
          {after !== undefined ? (
            <Button appearance="primary" type="submit">
              {words.next[step as Exclude<StepName, "summary">]}
            </Button>
          ) : (
            <Button
              appearance="primary"
              type="button"
              disabled={!stepIsComplete(draft, "summary") || start.isPending}
              onClick={() => start.mutate()}
            >
              {draft.option === "Validate" ? words.startValidation : words.start}
            </Button>
          )}
          <span className={styles.spacer} />
          <Button
            appearance="subtle"
            type="button"
            onClick={() => {
              setDraft(emptyDraft);
              setSeen(new Set(["setup"]));
              setStep("setup");
            }}
          >
            {words.discard}
          </Button>
        </div>
      </form>
    </>
  );
}

function useSourceDatabases(server: ServerId, draft: Draft, login: string, wanted: boolean) {
  return useQuery({
    queryKey: ["sourceDatabases", serverPath(server), login],
    queryFn: ({ signal }) =>
      callAll<ListedDatabase>(`${serverPath(server)}/listSourceDatabases`, {
        method: "POST",
        body: { properties: serverProperties(draft, ["source"]) },
        signal,
      }),
    enabled: wanted && serverIsComplete(draft, "source"),
    staleTime: 60_000,
    gcTime: 0,
  });
}

/** What is in each database, asked for a few at a time. */
function useContents(server: ServerId, draft: Draft, login: string, listed: readonly ListedDatabase[] | undefined) {
  const names = (listed ?? []).map(({ name }) => name);
  const groups = Array.from({ length: Math.ceil(names.length / maximumDatabases) }, (_, group) =>
    names.slice(group * maximumDatabases, (group + 1) * maximumDatabases),
  );
  const answers = useQueries({
    queries: groups.map((group) => ({
      queryKey: ["contents", serverPath(server), login, group],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        callAll<DatabaseContents & { name: string }>(`${serverPath(server)}/describeSourceDatabases`, {
          method: "POST",
          body: { properties: { ...serverProperties(draft, ["source"]), dbsToMigrate: group } },
          signal,
        }),
      staleTime: 60_000,
      gcTime: 0,
    })),
  });
  const described = answers.flatMap(({ data }) => data ?? []);
  const key = described.map(({ name }) => name).join("\0");
  // biome-ignore lint/correctness/useExhaustiveDependencies: the names tell when there is more.
  return useMemo(() => new Map(described.map((one) => [one.name, one])), [key]);
}

function useTargetDatabases(server: ServerId, draft: Draft, login: string, wanted: boolean): ReadonlySet<string> {
  const { data } = useQuery({
    queryKey: ["targetDatabases", serverPath(server), login],
    queryFn: ({ signal }) =>
      callAll<ListedDatabase>(`${serverPath(server)}/listTargetDatabases`, {
        method: "POST",
        body: { properties: serverProperties(draft, ["target"]) },
        signal,
      }),
    enabled: wanted && serverIsComplete(draft, "target"),
    staleTime: 60_000,
    gcTime: 0,
  });
  return useMemo(() => new Set((data ?? []).map(({ name }) => name)), [data]);
}
