/** Reaches both servers and finds out what is there. */
import { prepareMigration } from "../../shared/lifecycle/prepare-migration.js";
import { MigrationStep } from "../../shared/model/steps.js";
import { migrationStep } from "./step.js";

migrationStep("prepareMigration", MigrationStep, ({ key }) => prepareMigration(key));
