/** Checks the rules about one database. */
import { DatabaseStep } from "../../shared/model/steps.js";
import { validateDatabase } from "../../shared/validation/validate-database.js";
import { databaseStep } from "./step.js";

databaseStep("validateDatabase", DatabaseStep, ({ key, database }) => validateDatabase(key, database));
