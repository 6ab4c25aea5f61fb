/**
 * The long steps (copies, proofs, statements of the schema) that this instance carries out at once. Durable gives an instance a number of activities
 * (host.json, maxConcurrentActivityFunctions), whatever they are, first come, first served. Were all of them long, what cannot wait would wait behind
 * them: a relay of a snapshot until its keeper is gone, a sample, a cancel. So some places are kept free of long steps: one that finds the others taken
 * steps aside, and its orchestration calls it again later, with fewer at once.
 */
import { settings } from "../settings.js";

let running = 0;

/** What a long step answers that has stepped aside: nothing has been done. */
export interface SteppedAside {
  readonly done: false;
  readonly busy: true;
}

/** Carries the step out, unless this instance has as many of them as it may (MAX_LONG_ACTIVITIES). */
export async function unlessBusy<T>(work: () => Promise<T>): Promise<T | SteppedAside> {
  if (running >= settings().maxLongActivities) return { done: false, busy: true };
  running += 1;
  try {
    return await work();
  } finally {
    running -= 1;
  }
}
