/** A migration's progress at one moment, read from the service, with rates from what was read before. */
import type { DatabaseDetails, DatabaseProgress, Migration, MigrationService } from "../migration-service.js";

export interface DatabaseView {
  readonly database: string;
  /** What is being done, or the database's state once it has ended. */
  readonly step: string;
  readonly state: string;
  readonly tablesCompleted: number;
  readonly tables: number;
  readonly tablesErrored: number;
  readonly rows: number;
  /** As they cross the network. */
  readonly bytes: number;
  /** Share of the base copy that is done, 0 to 1. */
  readonly share: number;
  /** Bytes a second: of late while copying, over the whole time at the end. */
  readonly bytesPerSecond: number;
  /** Until the base copy is done; undefined when nobody can tell. */
  readonly remainingMilliseconds: number | undefined;
  /** Since the database's start, or from start to end. */
  readonly elapsedMilliseconds: number;
  /** Online: how far the target is behind. */
  readonly latencySeconds: number | undefined;
  readonly message: string | undefined;
  readonly ended: boolean;
}

export interface MigrationView {
  readonly name: string;
  readonly state: string;
  readonly substate: string;
  readonly error: string | undefined;
  readonly databases: readonly DatabaseView[];
}

// Long enough that a rate does not jump with every part that ends, short enough that it follows.
const rateWindowMilliseconds = 10_000;

/** Reads one migration again and again. */
export class ProgressReader {
  readonly #service: MigrationService;
  readonly #name: string;
  readonly #samples = new Map<string, { at: number; bytes: number }[]>();

  constructor(service: MigrationService, name: string) {
    this.#service = service;
    this.#name = name;
  }

  async read(): Promise<MigrationView> {
    const [migration, progress] = await Promise.all([
      this.#service.show(this.#name),
      this.#service.databases(this.#name),
    ]);
    const { currentStatus, dbsToMigrate = [] } = migration.properties;
    const details = currentStatus.currentSubStateDetails?.dbDetails ?? {};
    const names = dbsToMigrate.length > 0 ? dbsToMigrate : Object.keys(details);
    return {
      name: migration.name,
      state: currentStatus.state,
      substate: substateOf(migration),
      error: currentStatus.error ?? undefined,
      databases: names.map((database) =>
        this.#view(
          database,
          details[database],
          progress.find((one) => one.database === database),
        ),
      ),
    };
  }

  #view(database: string, details: DatabaseDetails | undefined, progress: DatabaseProgress | undefined): DatabaseView {
    const now = Date.now();
    const started = timeOf(progress?.startedOn ?? details?.startedOn);
    const finished = timeOf(progress?.endedOn ?? details?.endedOn);
    const bytes = progress?.bytesCopied ?? 0;
    const elapsed = started === undefined ? 0 : (finished ?? now) - started;
    const rate =
      finished === undefined ? this.#recentRate(database, now, bytes) : bytes / Math.max(elapsed / 1_000, 0.001);
    const share = progress === undefined ? 0 : shareOf(progress);
    const state = progress?.state ?? details?.migrationState ?? "";
    return {
      database,
      state,
      step: (finished === undefined ? progress?.currentStep : undefined) ?? state,
      tablesCompleted: progress?.tablesCompleted ?? 0,
      tables: progress === undefined ? 0 : tablesOf(progress),
      tablesErrored: progress?.tablesErrored ?? 0,
      rows: progress?.rowsCopied ?? 0,
      bytes,
      share,
      bytesPerSecond: rate,
      // The total is of the disk and the bytes of the network: their ratio so far tells more than either.
      remainingMilliseconds:
        share > 0 && share < 1 && rate > 0 && finished === undefined
          ? (((bytes / share) * (1 - share)) / rate) * 1_000
          : undefined,
      elapsedMilliseconds: elapsed,
      latencySeconds: details?.latency,
      message: details?.message,
      ended: finished !== undefined,
    };
  }

  #recentRate(database: string, now: number, bytes: number): number {
    const samples = (this.#samples.get(database) ?? []).filter(({ at }) => now - at <= rateWindowMilliseconds);
    samples.push({ at: now, bytes });
    this.#samples.set(database, samples);
    const [oldest] = samples;
    return oldest === undefined || now === oldest.at ? 0 : ((bytes - oldest.bytes) * 1_000) / (now - oldest.at);
  }
}

export function substateOf(migration: Migration): string {
  return migration.properties.currentStatus.currentSubStateDetails?.currentSubState ?? "";
}

function tablesOf({ tablesQueued, tablesLoading, tablesCompleted, tablesErrored }: DatabaseProgress): number {
  return tablesQueued + tablesLoading + tablesCompleted + tablesErrored;
}

/** COPY data is smaller or larger than what it fills on disk: until all tables are in, the share stays below the whole. */
function shareOf(progress: DatabaseProgress): number {
  if (progress.tablesCompleted > 0 && progress.tablesCompleted === tablesOf(progress)) return 1;
  return progress.bytesTotal > 0 ? Math.min(progress.bytesCopied / progress.bytesTotal, 0.99) : 0;
}

function timeOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text);
}
