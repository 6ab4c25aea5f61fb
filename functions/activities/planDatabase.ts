/** Reads the schema, and plans parts, tasks, jobs and rounds. */
import { planDatabase } from "../../shared/migration/plan-database.js";
import { DatabaseRun } from "../../shared/model/steps.js";
import { databaseStep } from "./step.js";

databaseStep("planDatabase", DatabaseRun, planDatabase);
