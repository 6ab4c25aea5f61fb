/** Makes sure that no table of the database is left unproven. */
import { verifyDatabase } from "../../shared/base-copy/verify-database.js";
import { DatabaseRun } from "../../shared/model/steps.js";
import { databaseStep } from "./step.js";

databaseStep("verifyDatabase", DatabaseRun, verifyDatabase);
