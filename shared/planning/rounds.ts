/**
 * Splitting the copy of a database into rounds: what one orchestration carries out, so that its history stays small (design invariant 6). Pure.
 */
import type { CopyRound, IndexJob } from "../model/steps.js";
import type { CopyTask } from "./tasks.js";

/** Activities of one orchestration at most, by design about 200: this leaves room for retries. */
const activitiesPerRound = 150;

/**
 * Tasks keep their order; a job goes with the last of its tasks. Jobs that wait for nothing (the indexes of a table without rows of its own,
 * such as a partitioned one) go first.
 */
export function planRounds(tasks: readonly CopyTask[], jobs: readonly IndexJob[]): CopyRound[] {
  const dueAfter = new Map<number, IndexJob[]>();
  for (const job of jobs) {
    const last = job.after.reduce((latest, task) => Math.max(latest, task), 0);
    dueAfter.set(last, [...(dueAfter.get(last) ?? []), job]);
  }
  const rounds: { tasks: number[]; jobs: IndexJob[] }[] = [];
  let round: { tasks: number[]; jobs: IndexJob[] } = { tasks: [], jobs: dueAfter.get(0) ?? [] };
  for (const { task } of tasks) {
    const due = dueAfter.get(task) ?? [];
    if (round.tasks.length > 0 && round.tasks.length + round.jobs.length + due.length + 1 > activitiesPerRound) {
      rounds.push(round);
      round = { tasks: [], jobs: [] };
    }
    round.tasks.push(task);
    round.jobs.push(...due);
  }
  if (round.tasks.length > 0 || round.jobs.length > 0) rounds.push(round);
  return rounds;
}
