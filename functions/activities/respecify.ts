/** Takes up what is to be migrated by now. */
import { respecify } from "../../shared/lifecycle/respecify.js";
import { MigrationStep } from "../../shared/model/steps.js";
import { migrationStep } from "./step.js";

migrationStep("respecify", MigrationStep, ({ key }) => respecify(key));
