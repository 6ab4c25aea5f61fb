/** Reads the schema, and plans parts, tasks, jobs and rounds. */
import { planDatabase } from "../../shared/base-copy/plan-database.js";
import { DatabaseRun } from "../../shared/model/steps.js";
import { copyStep } from "./step.js";

copyStep("planDatabase", DatabaseRun, planDatabase);
