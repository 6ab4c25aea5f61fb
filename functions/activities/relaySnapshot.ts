/** Hands the snapshot to its next keeper. */
import { z } from "zod";
import { relaySnapshot } from "../../shared/base-copy/hold-snapshot.js";
import { DatabaseRun } from "../../shared/model/steps.js";
import { copyStep } from "./step.js";

copyStep("relaySnapshot", DatabaseRun.extend({ generation: z.number().int() }), ({ generation, ...run }) =>
  relaySnapshot(run, generation),
);
