/** Notes for people what is being done with a database. */
import { z } from "zod";
import { DatabaseRun } from "../../shared/model/steps.js";
import { noteStep } from "../../shared/migration/note-step.js";
import { databaseStep } from "./step.js";

databaseStep("noteStep", DatabaseRun.extend({ step: z.string() }), noteStep);
