/** GET …/migrations/{name}/samples: how far each database was, over time; what curves are drawn from. */
import { RequestError } from "../model/request-error.js";
import { listSamples, type SampleRow } from "../status/samples.js";

/** Points of one database in one answer; more are thinned out evenly, the last always among them. */
const maximumPoints = 600;

export interface SampleFilter {
  readonly database?: string | undefined;
  /** ISO 8601, UTC. */
  readonly since: string;
}

const beginning = "1970-01-01T00:00:00.000Z";

/** The query's database and since (all when it is absent). Throws RequestError 400. */
export function parseSampleFilter(query: URLSearchParams): SampleFilter {
  const since = query.get("since");
  const time = since === null ? new Date(beginning) : new Date(since);
  if (Number.isNaN(time.getTime())) {
    const message = `since "${since}" is not a time: write it in ISO 8601, UTC, e.g. 2030-01-31T22:00:00Z, or leave it out.`;
    throw new RequestError(400, "InvalidParameterValue", message, { target: "since" });
  }
  return { database: query.get("database") ?? undefined, since: time.toISOString() };
}

/**
 * The samples since a time, database by database, oldest first.
 * @throws RequestError 400 for a database that is not the migration's
 */
export async function listMigrationSamples(
  { key, databases }: { key: string; databases: readonly string[] },
  { database, since }: SampleFilter,
): Promise<SampleRow[]> {
  if (database !== undefined && !databases.includes(database)) {
    const message = `database "${database}" is not one of this migration's: use one of ${databases.join(", ")}, or leave it out.`;
    throw new RequestError(400, "InvalidParameterValue", message, { target: "database" });
  }
  const wanted = database === undefined ? databases : [database];
  const lists = await Promise.all(wanted.map((one) => thinned(key, one, since)));
  return lists.flat();
}

async function thinned(key: string, database: string, since: string): Promise<SampleRow[]> {
  const rows: SampleRow[] = [];
  for await (const row of listSamples(key, database, since)) rows.push(row);
  const step = Math.ceil(rows.length / maximumPoints);
  return step <= 1 ? rows : rows.filter((_, index) => (rows.length - 1 - index) % step === 0);
}
