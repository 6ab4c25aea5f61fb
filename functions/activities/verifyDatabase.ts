/** Proves that the target has every row that the source sent. */
import { z } from "zod";
import { verifyDatabase } from "../../shared/migration/verify-database.js";
import { DatabaseRun } from "../../shared/model/steps.js";
import { databaseStep } from "./step.js";

databaseStep("verifyDatabase", DatabaseRun.extend({ from: z.number().int() }), ({ from, ...run }) =>
  verifyDatabase(run, from),
);
