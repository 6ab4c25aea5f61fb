/** Asks databases to cut over, and wakes those who follow them. */
import { z } from "zod";
import { requestCutover } from "../../shared/following/request-cutover.js";
import { MigrationStep } from "../../shared/model/steps.js";
import { serversOf } from "../../shared/run/servers.js";
import { wakeFollowers } from "./raise-event.js";
import { migrationStep } from "./step.js";

migrationStep(
  "requestCutover",
  MigrationStep.extend({ databases: z.array(z.string()) }),
  async ({ key, databases }, context) => {
    await requestCutover(key, databases);
    await wakeFollowers(context, (await serversOf(key)).spec, databases, "Cutover");
  },
);
