/** The jobs and rounds of a database's plan, kept in the ledger schema of the target and read by number. */
import type { ClientBase } from "pg";
import type { CopyPlan, CopyRound } from "../model/steps.js";
import type { Job, JobContent } from "../planning/jobs.js";
import { type BaseObject, saveBaseObjects } from "./base-objects.js";
import { queryLedger } from "./ledger-name.js";
import { type PartToCopy, saveParts } from "./parts.js";

export interface DatabasePlan {
  readonly objects: readonly BaseObject[];
  readonly parts: readonly PartToCopy[];
  readonly jobs: readonly Job[];
  readonly rounds: readonly CopyRound[];
  readonly summary: CopyPlan;
}

const insertJobs = `
  insert into _pgmig.job (job, phase, content)
  select job, phase, content
  from json_to_recordset($1::json) as planned (job integer, phase text, content json)
`;

const insertRounds = `
  insert into _pgmig.round (round, content)
  select ordinality, content
  from json_array_elements($1::json) with ordinality as planned (content, ordinality)
`;

/** A second runner waits here for the first one's commit, and then finds the plan. */
const claimPlan = `
  insert into _pgmig.plan (content)
  values ($1)
  on conflict do nothing
`;

/** Saves the plan in one transaction, once: whoever planned first is right, for some of it may have been carried out already. */
export async function savePlan(target: ClientBase, plan: DatabasePlan): Promise<CopyPlan> {
  await target.query("begin");
  const claimed = await queryLedger(target, claimPlan, [JSON.stringify(plan.summary)]);
  if (claimed.rowCount !== 0) {
    await saveBaseObjects(target, plan.objects);
    await saveParts(target, plan.parts);
    for (const job of plan.jobs) await queryLedger(target, insertJobs, [JSON.stringify([job])]);
    await queryLedger(target, insertRounds, [JSON.stringify(plan.rounds)]);
  }
  await target.query("commit");
  return (await findPlan(target)) ?? plan.summary;
}

/** The summary of the plan that has been saved, if one has. */
export async function findPlan(target: ClientBase): Promise<CopyPlan | undefined> {
  const { rows } = await queryLedger<{ content: CopyPlan }>(target, "select content from _pgmig.plan");
  return rows[0]?.content;
}

/** What one job applies, and what that is called. */
export async function readJob(target: ClientBase, job: number): Promise<{ phase: string; content: JobContent }> {
  const { rows } = await queryLedger<{ phase: string; content: JobContent }>(
    target,
    "select phase, content from _pgmig.job where job = $1",
    [job],
  );
  const found = rows[0];
  if (found === undefined) throw new Error(`The plan has no job ${job}.`);
  return found;
}

const lastOrderOfPhase = `
  select coalesce(max((statement ->> 'order')::integer), 0) as last
  from _pgmig.job
  cross join lateral json_array_elements(content -> 'groups') as applied
  cross join lateral json_array_elements(applied -> 'statements') as statement
  where phase = $1
`;

/** The place in the plan of the last statement of a phase; 0 without any. */
export async function lastOrder(target: ClientBase, phase: string): Promise<number> {
  const { rows } = await queryLedger<{ last: number }>(target, lastOrderOfPhase, [phase]);
  return rows[0]?.last ?? 0;
}

/** What one round copies and builds. */
export async function readRound(target: ClientBase, round: number): Promise<CopyRound> {
  const { rows } = await queryLedger<{ content: CopyRound }>(
    target,
    "select content from _pgmig.round where round = $1",
    [round],
  );
  const found = rows[0];
  if (found === undefined) throw new Error(`The plan has no round ${round}.`);
  return found.content;
}
