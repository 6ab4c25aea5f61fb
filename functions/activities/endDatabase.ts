/** Cleans up in the target database and records how its migration ended. */
import { endDatabase } from "../../shared/lifecycle/end-database.js";
import { DatabaseEnd } from "../../shared/model/steps.js";
import { migrationStep } from "./step.js";

migrationStep("endDatabase", DatabaseEnd, endDatabase);
