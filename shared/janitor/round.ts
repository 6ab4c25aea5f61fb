/**
 * The janitor's round: rows, orchestrations and servers are compared, and what no longer fits is mended or ended. No death leaves a slot: an orchestration
 * that ended in any way, killed by hand too, is found here.
 */
import { forgetMigrationAndHistories } from "../lifecycle/forget-migration.js";
import { beginToEnd, goOnEnding, lossOf } from "../lifecycle/lost-migration.js";
import type { Orchestrations } from "../requests/orchestrations.js";
import { settings } from "../settings.js";
import { queueDatabases } from "../status/databases.js";
import { type JanitorRound, recordJanitorRound } from "../status/janitor-rounds.js";
import { listActiveMigrations, listMigrationsEndedBefore, type MigrationRow, specOf } from "../status/migrations.js";
import { remind } from "./remind.js";

type Outcome = "active" | "ending" | "ended" | "reminded" | "forgotten";

/** Migrations that are looked after at once: one whose servers do not answer must not keep the others waiting. */
const atOnce = 8;

/** Seconds after which no further migration is taken up: the next round takes it. Below host.json's functionTimeout. */
const budgetSeconds = 240;

/** A request needs seconds from its row to its orchestration. A row this old without one belongs to a request that died in between. */
const abandonedAfterSeconds = 60;

/** A day, in milliseconds. */
const day = 24 * 3_600_000;

/**
 * One round; the next must not begin before it has ended.
 * @param tell where a migration that could not be looked after is told of
 */
export async function janitorRound(
  orchestrations: Orchestrations,
  tell: (problem: string) => void,
): Promise<Omit<JanitorRound, "time">> {
  const round = { active: 0, ending: 0, ended: 0, reminded: 0, forgotten: 0, problems: 0 };
  const deadline = Date.now() + budgetSeconds * 1_000;
  const expired = new Date(Date.now() - settings().retentionDays * day);
  await each(listActiveMigrations(), deadline, async (row) => {
    await look(row, () => lookAfter(row, orchestrations));
  });
  await each(listMigrationsEndedBefore(expired), deadline, async (row) => {
    await look(row, () => forget(row, orchestrations));
  });
  await recordJanitorRound(round);
  return round;

  async function look({ key }: MigrationRow, work: () => Promise<Outcome>): Promise<void> {
    try {
      round[await work()] += 1;
    } catch (error) {
      round.problems += 1;
      tell(`${key}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

async function lookAfter(row: MigrationRow, orchestrations: Orchestrations): Promise<Outcome> {
  if (row.state === "CleaningUp") return (await goOnEnding(row, orchestrations)) ? "ended" : "ending";
  if (await startAbandoned(row, orchestrations)) return "reminded";
  const loss = await lossOf(row, orchestrations);
  if (loss === undefined) return (await remind(row, orchestrations)) ? "reminded" : "active";
  await beginToEnd(row, loss, orchestrations);
  return "ending";
}

/** What a PUT that died had left to do. */
async function startAbandoned(row: MigrationRow, orchestrations: Orchestrations): Promise<boolean> {
  const age = Date.now() - new Date(row.createdOn ?? 0).getTime();
  if (row.transition > 0 || age < abandonedAfterSeconds * 1_000) return false;
  if ((await orchestrations.stateOf(row.key)).kind !== "missing") return false;
  await queueDatabases(row.key, row.databases);
  await orchestrations.ensureStarted(specOf(row));
  return true;
}

async function forget(row: MigrationRow, orchestrations: Orchestrations): Promise<Outcome> {
  await forgetMigrationAndHistories(row, orchestrations);
  return "forgotten";
}

async function each<T>(items: AsyncIterable<T>, deadline: number, work: (item: T) => Promise<void>): Promise<void> {
  const running = new Set<Promise<void>>();
  for await (const item of items) {
    if (Date.now() > deadline) break;
    const run = work(item).finally(() => running.delete(run));
    running.add(run);
    if (running.size >= atOnce) await Promise.race(running);
  }
  await Promise.all(running);
}
