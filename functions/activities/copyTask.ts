/** Copies the parts of one task. */
import { z } from "zod";
import { runCopyTask } from "../../shared/base-copy/copy-task.js";
import { DatabaseRun } from "../../shared/model/steps.js";
import { unlessBusy } from "../../shared/run/long-steps.js";
import { noteStep } from "../../shared/run/note-step.js";
import { copyStep } from "./step.js";

copyStep("copyTask", DatabaseRun.extend({ task: z.number().int() }), (run) =>
  unlessBusy(async () => {
    await noteStep(run, "copying");
    return await runCopyTask(run);
  }),
);
