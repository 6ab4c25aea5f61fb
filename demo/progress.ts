import { type DatabaseDetails, hasEnded, type MigrationClient } from "../local/migration-client.js";

/** One database's copy, at one moment. */
export interface DatabaseView {
  database: string;
  /** What the service says it is doing, or the database's state at its end. */
  activity: string;
  copied: number;
  copying: number;
  queued: number;
  errored: number;
  /** Bytes of table data that have arrived, as they cross the network. */
  bytes: number;
  rows: number;
  /** Share of the source's bytes on disk that is done, 0 to 1. */
  share: number;
  /** Bytes a second: of late while copying, over the whole copy at the end. */
  rate: number;
  elapsedMilliseconds: number;
  ended: boolean;
}

export interface MigrationView {
  state: string;
  substate: string;
  error: string | undefined;
  ended: boolean;
  databases: DatabaseView[];
}

// Long enough that a rate does not jump with every part that ends, short enough that it follows.
const rateWindowMilliseconds = 4_000;

/** Reads a migration's progress over its HTTP API, and remembers enough to tell rates. */
export class ProgressReader {
  readonly #client: MigrationClient;
  readonly #name: string;
  readonly #databases: readonly string[];
  readonly #samples = new Map<string, { at: number; bytes: number }[]>();

  constructor(client: MigrationClient, name: string, databases: readonly string[]) {
    this.#client = client;
    this.#name = name;
    this.#databases = databases;
  }

  async read(): Promise<MigrationView> {
    const answer = await this.#client.get(this.#name);
    const details = await this.#client.databases(this.#name);
    const { currentStatus } = answer.properties;
    return {
      state: currentStatus.state,
      substate: currentStatus.currentSubStateDetails?.currentSubState ?? "",
      error: currentStatus.error ?? undefined,
      ended: hasEnded(answer),
      databases: this.#databases.map((database) =>
        this.#view(
          database,
          details.find((one) => one.database === database),
        ),
      ),
    };
  }

  #view(database: string, details: DatabaseDetails | undefined): DatabaseView {
    const now = Date.now();
    const started = details?.startedOn === undefined ? undefined : Date.parse(details.startedOn);
    const finished = details?.endedOn === undefined ? undefined : Date.parse(details.endedOn);
    const bytes = details?.bytesCopied ?? 0;
    const elapsed = started === undefined ? 0 : (finished ?? now) - started;
    return {
      database,
      activity: (finished === undefined ? details?.currentStep : details?.state) ?? "",
      copied: details?.tablesCompleted ?? 0,
      copying: details?.tablesLoading ?? 0,
      queued: details?.tablesQueued ?? 0,
      errored: details?.tablesErrored ?? 0,
      bytes,
      rows: details?.rowsCopied ?? 0,
      share: details === undefined ? 0 : shareOf(details),
      rate: finished === undefined ? this.#recentRate(database, now, bytes) : bytes / Math.max(elapsed / 1_000, 0.1),
      elapsedMilliseconds: elapsed,
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

/** COPY data is smaller or larger than what it fills on disk: until all tables are in, the share stays below the whole. */
function shareOf({ bytesCopied, bytesTotal, tablesCompleted, tablesQueued, tablesLoading }: DatabaseDetails): number {
  if (tablesCompleted > 0 && tablesQueued + tablesLoading === 0) return 1;
  return bytesTotal > 0 ? Math.min(bytesCopied / bytesTotal, 0.99) : 0;
}
