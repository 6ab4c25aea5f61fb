/** Running a step only as long as nobody has asked to cancel what it works on. */
import { setTimeout as delay } from "node:timers/promises";
import { canceled } from "../model/outcome.js";
import { ServiceError } from "../model/service-error.js";
import type { DatabaseStep } from "../model/steps.js";
import { isCancelRequested, isEveryCancelRequested } from "../status/databases.js";
import { endSessionsOnBothServers } from "./end-sessions.js";
import { serversOf } from "./servers.js";

/** Seconds between two looks at the database's row. */
const intervalSeconds = 2;

/**
 * Runs a step of one database.
 * @throws ServiceError Canceled, before the work begins or when it is asked for meanwhile: then the step's sessions are ended, so that the work fails and
 * a statement that would go on without us does not.
 */
export async function untilCanceled<T>({ key, database }: DatabaseStep, work: () => Promise<T>): Promise<T> {
  return await unlessAsked(
    () => isCancelRequested(key, database),
    async () => {
      await endSessionsOnBothServers(await serversOf(key), database);
    },
    work,
  );
}

/**
 * Runs a step of the migration as a whole, as long as not every database is being cancelled.
 * @throws ServiceError Canceled, as untilCanceled() does.
 */
export async function untilAllCanceled<T>(key: string, work: () => Promise<T>): Promise<T> {
  return await unlessAsked(
    () => isEveryCancelRequested(key),
    async () => {
      await endSessionsOnBothServers(await serversOf(key));
    },
    work,
  );
}

async function unlessAsked<T>(
  asked: () => Promise<boolean>,
  endSessions: () => Promise<void>,
  work: () => Promise<T>,
): Promise<T> {
  if (await asked()) throw new ServiceError(canceled.code, canceled.message);
  const finished = new AbortController();
  const watching = watch(asked, finished.signal, endSessions);
  try {
    return await work();
  } catch (error) {
    if (await asked()) throw new ServiceError(canceled.code, canceled.message, { cause: error });
    throw error;
  } finally {
    finished.abort();
    await watching;
  }
}

/** Looks until the work has finished; from the request on it acts at every look, for a session may open while the others are being ended. */
async function watch(asked: () => Promise<boolean>, finished: AbortSignal, act: () => Promise<void>): Promise<void> {
  while (!finished.aborted) {
    try {
      await delay(intervalSeconds * 1_000, undefined, { signal: finished });
      if (await asked()) await act();
    } catch {
      // Either the step has finished, and the loop ends; or the storage account or a server did not answer, and the next look will do.
    }
  }
}
