/** Closes the snapshot, on every way out, and tells its relay to end. */
import * as df from "durable-functions";
import { z } from "zod";
import { closeSnapshot } from "../../shared/base-copy/hold-snapshot.js";
import { DatabaseRun } from "../../shared/model/steps.js";
import { migrationStep } from "./step.js";

migrationStep("closeSnapshot", DatabaseRun.extend({ relay: z.string() }), async ({ relay, ...run }, context) => {
  await closeSnapshot(run);
  const client = df.getClient(context);
  const status = await client.getStatus(relay);
  // A relay that has ended by itself takes no event any more.
  if (
    status.runtimeStatus === df.OrchestrationRuntimeStatus.Running ||
    status.runtimeStatus === df.OrchestrationRuntimeStatus.Pending
  ) {
    await client.raiseEvent(relay, "SnapshotClosed", {});
  }
});
