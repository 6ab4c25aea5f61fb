/** Applies statements of the schema: a job of the database's plan. */
import { z } from "zod";
import { applyJob } from "../../shared/base-copy/apply-job.js";
import { DatabaseRun } from "../../shared/model/steps.js";
import { unlessBusy } from "../../shared/run/long-steps.js";
import { copyStep } from "./step.js";

copyStep("applyJob", DatabaseRun.extend({ job: z.number().int() }), ({ job, ...run }) =>
  unlessBusy(() => applyJob(run, job)),
);
