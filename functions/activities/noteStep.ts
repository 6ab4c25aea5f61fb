/** Notes for people what is being done with a database. */
import { z } from "zod";
import { noteStep } from "../../shared/migration/note-step.js";
import { DatabaseRun } from "../../shared/model/steps.js";
import { databaseStep } from "./step.js";

databaseStep("noteStep", DatabaseRun.extend({ step: z.string() }), noteStep);
