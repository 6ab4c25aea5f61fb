/** Sets the target's sequences to where the source's are. */
import { DatabaseRun } from "../../shared/model/steps.js";
import { serversOf } from "../../shared/run/servers.js";
import { setSequences } from "../../shared/run/set-sequences.js";
import { databaseStep } from "./step.js";

databaseStep("setSequences", DatabaseRun, async ({ key, database }) => {
  await setSequences(await serversOf(key), { key, database });
});
