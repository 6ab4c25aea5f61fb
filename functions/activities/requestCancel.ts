/** Cancels databases: tells their activities, ends their sessions, and wakes those who follow them. */
import { z } from "zod";
import { requestCancel } from "../../shared/lifecycle/request-cancel.js";
import { MigrationStep } from "../../shared/model/steps.js";
import { serversOf } from "../../shared/run/servers.js";
import { wakeFollowers } from "./raise-event.js";
import { migrationStep } from "./step.js";

migrationStep(
  "requestCancel",
  MigrationStep.extend({ databases: z.array(z.string()) }),
  async ({ key, databases }, context) => {
    const { spec } = await serversOf(key);
    try {
      await requestCancel(key, databases);
    } finally {
      await wakeFollowers(context, spec, databases, "Wake");
    }
  },
);
