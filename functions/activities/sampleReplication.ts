/** One look at how a database follows its source; tells the migration when it has caught up. */
import { z } from "zod";
import { sampleReplication } from "../../shared/following/sample-replication.js";
import { DatabaseRun, FollowState } from "../../shared/model/steps.js";
import { measureReplication } from "../../shared/telemetry/measure-migration.js";
import { raiseEvent } from "./raise-event.js";
import { databaseStep } from "./step.js";

databaseStep(
  "sampleReplication",
  DatabaseRun.extend({ root: z.string(), state: FollowState }),
  async ({ root, state, ...run }, context) => {
    const sample = await sampleReplication(run, state);
    await measureReplication(run.key, run.database);
    // What did not get through is told again by the next sample.
    const announced = sample.caughtUp && (state.announced || (await raiseEvent(context, root, "DatabaseCaughtUp")));
    return { ...sample, state: { ...sample.state, announced } };
  },
);
