/** Takes a database back to following when its cutover has failed, and tells the migration. */
import { z } from "zod";
import { resumeFollowing } from "../../shared/following/resume-following.js";
import { Failure } from "../../shared/model/outcome.js";
import { DatabaseRun } from "../../shared/model/steps.js";
import { raiseEvent } from "./raise-event.js";
import { databaseStep } from "./step.js";

databaseStep(
  "resumeFollowing",
  DatabaseRun.extend({ root: z.string(), failure: Failure }),
  async ({ root, failure, ...run }, context) => {
    await resumeFollowing(run, failure);
    await raiseEvent(context, root, "DatabaseCaughtUp");
  },
);
