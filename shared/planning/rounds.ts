/**
 * Splitting the copy of a database into rounds: what one orchestration carries out, so that its history stays small (design invariant 6). Pure.
 */
import type { CopyRound, IndexJob, ProofTask } from "../model/steps.js";
import type { CopyTask } from "./tasks.js";

/** Activities of one orchestration at most, by design about 200: this leaves room for retries. */
const activitiesPerRound = 150;

/**
 * Tasks keep their order; a job goes with the last of its tasks. Jobs that wait for nothing (the indexes of a table without rows of its own,
 * such as a partitioned one) go first. So do proofs.
 */
export function planRounds(
  tasks: readonly CopyTask[],
  jobs: readonly IndexJob[],
  proofs: readonly ProofTask[],
): CopyRound[] {
  const jobsAfter = byLastTask(jobs);
  const proofsAfter = byLastTask(proofs);
  const rounds: Round[] = [];
  let round: Round = { tasks: [], jobs: jobsAfter.get(0) ?? [], proofs: proofsAfter.get(0) ?? [] };
  for (const { task } of tasks) {
    const dueJobs = jobsAfter.get(task) ?? [];
    const dueProofs = proofsAfter.get(task) ?? [];
    const due = 1 + dueJobs.length + dueProofs.length;
    if (round.tasks.length > 0 && activitiesOf(round) + due > activitiesPerRound) {
      rounds.push(round);
      round = { tasks: [], jobs: [], proofs: [] };
    }
    round.tasks.push(task);
    round.jobs.push(...dueJobs);
    round.proofs.push(...dueProofs);
  }
  if (activitiesOf(round) > 0) rounds.push(round);
  return rounds;
}

interface Round {
  readonly tasks: number[];
  readonly jobs: IndexJob[];
  readonly proofs: ProofTask[];
}

function activitiesOf({ tasks, jobs, proofs }: Round): number {
  return tasks.length + jobs.length + proofs.length;
}

function byLastTask<T extends { readonly after: readonly number[] }>(waiting: readonly T[]): Map<number, T[]> {
  const byTask = new Map<number, T[]>();
  for (const one of waiting) {
    const last = one.after.reduce((latest, task) => Math.max(latest, task), 0);
    byTask.set(last, [...(byTask.get(last) ?? []), one]);
  }
  return byTask;
}
