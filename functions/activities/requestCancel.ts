/** Cancels databases: tells their activities and ends their sessions. */
import { z } from "zod";
import { requestCancel } from "../../shared/migration/request-cancel.js";
import { MigrationStep } from "../../shared/model/steps.js";
import { migrationStep } from "./step.js";

migrationStep("requestCancel", MigrationStep.extend({ databases: z.array(z.string()) }), ({ key, databases }) =>
  requestCancel(key, databases),
);
