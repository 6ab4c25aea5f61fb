import { z } from "zod";
import { hasEnded, type MigrationAnswer, type MigrationClient } from "../test/fixtures/migration-client.js";

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

const Part = z.object({
  database: z.string(),
  state: z.string(),
  rows: z.coerce.number().default(0),
  bytes: z.coerce.number().default(0),
  bytesEstimated: z.coerce.number().default(0),
});
type Part = z.infer<typeof Part>;

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
    const parts = z.array(Part).parse(await this.#client.tables(this.#name));
    const { currentStatus } = answer.properties;
    return {
      state: currentStatus.state,
      substate: currentStatus.currentSubStateDetails?.currentSubState ?? "",
      error: currentStatus.error ?? undefined,
      ended: hasEnded(answer),
      databases: this.#databases.map((database) =>
        this.#view(
          database,
          answer,
          parts.filter((part) => part.database === database),
        ),
      ),
    };
  }

  #view(database: string, answer: MigrationAnswer, parts: readonly Part[]): DatabaseView {
    const details = answer.properties.currentStatus.currentSubStateDetails?.dbDetails?.[database];
    const now = Date.now();
    const started = details?.startedOn === undefined ? undefined : Date.parse(details.startedOn);
    const finished = details?.endedOn === undefined ? undefined : Date.parse(details.endedOn);
    const bytes = total(parts, (part) => part.bytes);
    const elapsed = started === undefined ? 0 : (finished ?? now) - started;
    const expected = total(parts, (part) => part.bytesEstimated);
    const done = total(parts, doneBytes);
    return {
      database,
      activity: details?.migrationOperation || details?.migrationState || "",
      copied: details?.fullLoadCompletedTables ?? 0,
      copying: details?.fullLoadLoadingTables ?? 0,
      queued: details?.fullLoadQueuedTables ?? 0,
      errored: details?.fullLoadErroredTables ?? 0,
      bytes,
      rows: total(parts, (part) => part.rows),
      share: expected > 0 ? done / expected : 0,
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

/** COPY data is smaller or larger than what it fills on disk: a part that is in counts as all of its bytes. */
function doneBytes(part: Part): number {
  if (part.state === "completed") return part.bytesEstimated;
  return part.state === "loading" ? Math.min(part.bytes, part.bytesEstimated) : 0;
}

function total(parts: readonly Part[], of: (part: Part) => number): number {
  return parts.reduce((sum, part) => sum + of(part), 0);
}
