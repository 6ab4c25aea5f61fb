/** What the pages ask the API for, and how often: every 2 s while something goes on, every 15 s otherwise, never in a hidden tab. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { hasEnded, isWaiting } from "../migration/progress.js";
import { merged, type TableView } from "../migration/tables.js";
import { call, callAll, migrationPath, serverPath } from "./client.js";
import type {
  CutoverReadiness,
  DatabaseProgress,
  Migration,
  MigrationId,
  RuleOutcome,
  Sample,
  SchemaStatement,
  ServerId,
  TableProgress,
  TargetServer,
  TransitionRecord,
} from "./resources.js";

export const busyInterval = 2_000;
export const idleInterval = 15_000;

export function useTargetServers() {
  return useQuery({
    queryKey: ["targetServers"],
    queryFn: ({ signal }) => callAll<TargetServer>("targetServers", { signal }),
    refetchInterval: idleInterval,
  });
}

export function useMigrations(server: ServerId, filter: "Active" | "All") {
  return useQuery({
    queryKey: ["migrations", serverPath(server), filter],
    queryFn: ({ signal }) =>
      callAll<Migration>(`${serverPath(server)}/migrations`, { query: { migrationListFilter: filter }, signal }),
    refetchInterval: ({ state }) =>
      (state.data ?? []).some((migration) => !hasEnded(migration) && !isWaiting(migration))
        ? busyInterval
        : idleInterval,
    placeholderData: (previous) => previous,
  });
}

export function useMigration(id: MigrationId) {
  return useQuery({
    queryKey: ["migration", migrationPath(id)],
    queryFn: ({ signal }) => call<Migration>(migrationPath(id), { signal }),
    refetchInterval: ({ state }) => (state.data !== undefined && hasEnded(state.data) ? idleInterval : busyInterval),
  });
}

export function useDatabases(id: MigrationId, ended: boolean) {
  return useQuery({
    queryKey: ["databases", migrationPath(id), ended],
    queryFn: ({ signal }) => callAll<DatabaseProgress>(`${migrationPath(id)}/databases`, { signal }),
    refetchInterval: ended ? false : busyInterval,
    placeholderData: (previous) => previous,
  });
}

export function useTransitions(id: MigrationId, migration: Migration | undefined) {
  const { state, currentSubStateDetails } = migration?.properties.currentStatus ?? {};
  return useQuery({
    // Every change of state is one more row.
    queryKey: ["transitions", migrationPath(id), state, currentSubStateDetails?.currentSubState],
    queryFn: ({ signal }) => callAll<TransitionRecord>(`${migrationPath(id)}/transitions`, { signal }),
    refetchInterval: idleInterval,
    placeholderData: (previous) => previous,
    enabled: migration !== undefined,
  });
}

export function useValidations(id: MigrationId, migration: Migration | undefined) {
  const { state, currentSubStateDetails } = migration?.properties.currentStatus ?? {};
  const validating = currentSubStateDetails?.currentSubState === "ValidationInProgress";
  return useQuery({
    // A validation of seconds may have come and gone between two looks: what is known before it is not what is known after.
    queryKey: ["validations", migrationPath(id), state, currentSubStateDetails?.currentSubState],
    queryFn: ({ signal }) => callAll<RuleOutcome>(`${migrationPath(id)}/validations`, { signal }),
    refetchInterval: validating ? busyInterval : false,
    placeholderData: (previous) => previous,
    enabled: migration !== undefined && migration.properties.migrationOption !== "Migrate",
  });
}

export function useStatements(id: MigrationId, { ended, wanted }: { ended: boolean; wanted: boolean }) {
  return useQuery({
    queryKey: ["statements", migrationPath(id), ended],
    queryFn: ({ signal }) => callAll<SchemaStatement>(`${migrationPath(id)}/statements`, { signal }),
    refetchInterval: ended ? false : busyInterval,
    placeholderData: (previous) => previous,
    enabled: wanted,
  });
}

/** Asked of both servers, so only while somebody looks at the checklist. */
export function useCutoverReadiness(id: MigrationId) {
  return useQuery({
    queryKey: ["cutoverReadiness", migrationPath(id)],
    queryFn: ({ signal }) => callAll<CutoverReadiness>(`${migrationPath(id)}/cutoverReadiness`, { signal }),
    refetchInterval: 3_000,
    gcTime: 0,
  });
}

/** Curves: what is new is fetched and put behind what is known. */
export function useSamples(id: MigrationId, ended: boolean) {
  const queries = useQueryClient();
  const queryKey = ["samples", migrationPath(id)];
  return useQuery({
    queryKey,
    queryFn: async ({ signal }) => {
      const known = queries.getQueryData<Sample[]>(queryKey) ?? [];
      const newest = known.reduce((latest, { time }) => (time > latest ? time : latest), "");
      const since = newest === "" ? undefined : new Date(Date.parse(newest) - 15_000).toISOString();
      const fresh = await callAll<Sample>(`${migrationPath(id)}/samples`, { query: { since }, signal });
      const kept = since === undefined ? [] : known.filter(({ time }) => time < since);
      return [...kept, ...fresh].sort((one, other) => (one.time < other.time ? -1 : 1));
    },
    refetchInterval: ended ? false : 5_000,
    structuralSharing: false,
  });
}

interface Tables {
  readonly tables: ReadonlyMap<string, TableView>;
  readonly asOf: string | undefined;
  /** Which runs of the copies they are of: a copy that starts over has a new plan. */
  readonly attempts: string;
}

/** All tables: fetched in pages once, then what has changed since. */
export function useTables(
  id: MigrationId,
  { ended, attempts, wanted }: { ended: boolean; attempts: string; wanted: boolean },
) {
  const queries = useQueryClient();
  const queryKey = ["tables", migrationPath(id)];
  return useQuery({
    queryKey,
    queryFn: async ({ signal }): Promise<Tables> => {
      const known = queries.getQueryData<Tables>(queryKey);
      const update = known?.asOf !== undefined && known.attempts === attempts;
      const query = update ? { modifiedSince: known.asOf } : {};
      let asOf: string | undefined;
      const changes = await callAll<TableProgress>(`${migrationPath(id)}/tables`, { query, signal }, (page) => {
        asOf ??= page.asOf;
      });
      if (update && changes.length === 0) return { ...known, asOf };
      return { tables: merged(update ? known.tables : new Map(), changes), asOf, attempts };
    },
    refetchInterval: ended ? false : busyInterval,
    enabled: wanted,
    structuralSharing: false,
  });
}
