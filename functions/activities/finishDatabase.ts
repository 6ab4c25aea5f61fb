/** Drops what is ours from the target database, and gives it its event triggers and its source's properties. */
import { finishDatabase } from "../../shared/lifecycle/finish-database.js";
import { DatabaseRun } from "../../shared/model/steps.js";
import { databaseStep } from "./step.js";

databaseStep("finishDatabase", DatabaseRun, finishDatabase);
