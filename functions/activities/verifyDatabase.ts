/** Makes sure that no table of the database is left unproven. */
import { verifyDatabase } from "../../shared/base-copy/verify-database.js";
import { DatabaseRun } from "../../shared/model/steps.js";
import { copyStep } from "./step.js";

copyStep("verifyDatabase", DatabaseRun, verifyDatabase);
