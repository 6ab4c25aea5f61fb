/** Sets the target's sequences to where the source's are, and gives the database its source's properties. */
import { finishDatabase } from "../../shared/base-copy/finish-database.js";
import { DatabaseRun } from "../../shared/model/steps.js";
import { databaseStep } from "./step.js";

databaseStep("finishDatabase", DatabaseRun, finishDatabase);
