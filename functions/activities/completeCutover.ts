/** Sequences, materialized views and the proof, after the cutover point. */
import { z } from "zod";
import { completeCutover } from "../../shared/following/complete-cutover.js";
import { DatabaseRun } from "../../shared/model/steps.js";
import { databaseStep } from "./step.js";

databaseStep("completeCutover", DatabaseRun.extend({ from: z.number().int() }), ({ from, ...run }) =>
  completeCutover(run, from),
);
