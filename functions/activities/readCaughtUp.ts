/** Which databases have caught up with their source. */
import { readCaughtUp } from "../../shared/following/request-cutover.js";
import { MigrationStep } from "../../shared/model/steps.js";
import { migrationStep } from "./step.js";

migrationStep("readCaughtUp", MigrationStep, ({ key }) => readCaughtUp(key));
