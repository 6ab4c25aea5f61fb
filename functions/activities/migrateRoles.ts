/** Brings the roles of the migration's databases to the target. */
import { migrateRoles } from "../../shared/lifecycle/migrate-roles.js";
import { MigrationStep } from "../../shared/model/steps.js";
import { migrationStep } from "./step.js";

migrationStep("migrateRoles", MigrationStep, ({ key }) => migrateRoles(key));
