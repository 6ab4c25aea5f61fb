/** Proves what one copy task has loaded: both servers say what they have. */
import { z } from "zod";
import { proveTask } from "../../shared/base-copy/prove-task.js";
import { DatabaseRun } from "../../shared/model/steps.js";
import { unlessBusy } from "../../shared/run/long-steps.js";
import { copyStep } from "./step.js";

copyStep("proveTask", DatabaseRun.extend({ task: z.number().int() }), (run) => unlessBusy(() => proveTask(run)));
