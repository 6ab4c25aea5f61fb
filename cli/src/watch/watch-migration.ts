/** Follows a migration to its end, and tells the shell how it ended. */
import { setTimeout as delay } from "node:timers/promises";
import { CommandError } from "../command-error.js";
import { type ExitCode, exitCodes } from "../exit-codes.js";
import type { MigrationService } from "../migration-service.js";
import type { Display } from "./display.js";
import { JsonDisplay } from "./json-display.js";
import { LiveDisplay } from "./live-display.js";
import { PlainDisplay } from "./plain-display.js";
import { type MigrationView, ProgressReader } from "./progress.js";

export interface WatchOptions {
  /** JSON lines in place of lines for people. */
  readonly json?: boolean | undefined;
  /** Seconds between two looks. */
  readonly interval: number;
  /** Minutes until the watching ends; the migration goes on. */
  readonly timeout?: number | undefined;
  readonly until: "end" | "cutover";
}

// The service may be deployed anew, or its instances replaced, while a migration goes on.
const patienceMilliseconds = 5 * 60_000;

/** What a migration that waits for its user waits for, and the command that answers it. */
const waits: Readonly<Record<string, string>> = {
  WaitingForLogicalReplicationSetupRequestOnSourceDB:
    "the source is not set up for logical replication: pgmigrate update --setup-replication, then restart the source",
  WaitingForTargetDBOverwriteConfirmation:
    "the target has a database of this name: pgmigrate update --confirm-overwrite replaces it, pgmigrate cancel keeps it",
  WaitingForDataMigrationScheduling:
    "it was created with startDataMigration False: pgmigrate update --start-data-migration",
  WaitingForDataMigrationWindow: "its window has not opened; it goes on by itself",
  WaitingForCutoverTrigger: "the target follows the source: stop the application, then pgmigrate cutover",
};

const endCodes: Readonly<Record<string, ExitCode>> = {
  Succeeded: exitCodes.succeeded,
  Failed: exitCodes.migrationFailed,
  ValidationFailed: exitCodes.validationFailed,
  Canceled: exitCodes.canceled,
};

/** What the shell is told of an end; undefined while the migration goes on. */
export function exitCodeOfState(state: string): ExitCode | undefined {
  return endCodes[state];
}

/** @returns the exit code: how the migration ended, or why the watching did */
export async function watchMigration(
  service: MigrationService,
  name: string,
  options: WatchOptions,
): Promise<ExitCode> {
  const display = displayFor(options.json === true);
  const interrupt = new AbortController();
  const onInterrupt = () => interrupt.abort();
  process.once("SIGINT", onInterrupt);
  try {
    return await follow(new ProgressReader(service, name), display, options, interrupt.signal);
  } finally {
    process.off("SIGINT", onInterrupt);
    display.close();
  }
}

async function follow(
  reader: ProgressReader,
  display: Display,
  options: WatchOptions,
  interrupt: AbortSignal,
): Promise<ExitCode> {
  const limit = options.timeout === undefined ? Number.POSITIVE_INFINITY : Date.now() + options.timeout * 60_000;
  let saidWait = "";
  let lastSeen = Date.now();
  let away = false;
  for (;;) {
    const view = await reader.read().catch((error: unknown) => {
      const unreachable = error instanceof CommandError && error.exitCode === exitCodes.unreachable;
      if (!unreachable || Date.now() - lastSeen > patienceMilliseconds) throw error;
      if (!away) display.say(`${error.message} Trying again for ${patienceMilliseconds / 60_000} minutes.`);
      away = true;
      return undefined;
    });
    if (view !== undefined) {
      lastSeen = Date.now();
      away = false;
      display.show(view);
      const code = exitCodeOfState(view.state);
      if (code !== undefined) return tellEnd(view, display, code);
      const wait = view.state === "WaitingForUserAction" ? view.substate : "";
      if (wait !== "" && wait !== saidWait) {
        display.say(`Waiting: ${view.error ?? waits[wait] ?? wait}`);
        if (view.error !== undefined && waits[wait] !== undefined) display.say(`  ${waits[wait]}`);
      }
      saidWait = wait;
      if (options.until === "cutover" && wait === "WaitingForCutoverTrigger") return exitCodes.succeeded;
      // A window opens by itself; every other wait needs somebody.
      if (options.until === "cutover" && wait !== "" && wait !== "WaitingForDataMigrationWindow")
        return exitCodes.waiting;
    }
    if (Date.now() > limit) {
      display.say("--timeout has passed; the migration goes on.");
      return exitCodes.timedOut;
    }
    await delay(options.interval * 1_000, undefined, { signal: interrupt }).catch(() => {});
    if (interrupt.aborted) {
      display.say("The migration goes on; pgmigrate watch shows it again, pgmigrate cancel ends it.");
      return exitCodes.interrupted;
    }
  }
}

function tellEnd(view: MigrationView, display: Display, code: ExitCode): ExitCode {
  for (const { database, message } of view.databases) {
    for (const line of (message ?? "").split("\n")) if (line !== "") display.say(`${database}: ${line}`);
  }
  display.say(view.error === undefined ? `${view.name}: ${view.state}` : `${view.name}: ${view.state}: ${view.error}`);
  return code;
}

function displayFor(json: boolean): Display {
  const out = process.stdout;
  if (json) return new JsonDisplay(out);
  return out.isTTY === true && process.env.TERM !== "dumb" ? new LiveDisplay(out) : new PlainDisplay(out);
}
