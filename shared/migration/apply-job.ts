/** Applying one job of a database's schema, as far as the activity budget reaches. */
import { readJob } from "../copy/job-store.js";
import type { DatabaseRun, Progressed } from "../model/steps.js";
import { buildingIndexes, refreshingViews } from "../planning/jobs.js";
import { withConnection } from "../postgres/connect.js";
import { runDetached } from "../postgres/detached-statement.js";
import { applyStatements } from "../schema/apply-statements.js";
import { settings } from "../settings.js";
import { noteStep } from "./note-step.js";
import { refreshView } from "./refresh-view.js";
import { serversOf } from "./servers.js";

/**
 * Converges: what the statement ledger has is not done again.
 * @returns done: false when the budget was used up; the job is to be called for again. A long statement goes on in the server meanwhile.
 */
export async function applyJob(run: DatabaseRun, job: number): Promise<Progressed> {
  const { activityBudgetSeconds, instance } = settings();
  const deadline = Date.now() + activityBudgetSeconds * 1_000;
  const servers = await serversOf(run.key);
  // Everyone who asks for the same statement must bear the same name: that is how its session is found again.
  const connection = servers.target(run.database, "schema");
  const { phase, content } = await withConnection(connection, (target) => readJob(target, job));
  // Indexes are built while tables are copied: that is what people want to read then.
  if (phase !== buildingIndexes) await noteStep(run, phase);
  if (content.kind === "long") {
    for (const statement of content.statements) {
      const deadlineMs = deadline - Date.now();
      if (deadlineMs <= 0) return { done: false };
      const running =
        phase === refreshingViews
          ? refreshView(run, connection, statement, { deadlineMs, instance })
          : runDetached(connection, statement, { deadlineMs, instance });
      if ((await running) === "running") return { done: false };
    }
    return { done: true };
  }
  return await withConnection(connection, async (target) => {
    for (const group of content.groups) {
      if (Date.now() >= deadline) return { done: false };
      await applyStatements(target, group, instance);
    }
    return { done: true };
  });
}
