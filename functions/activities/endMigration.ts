/** Ends what the migration still has on both servers, and forgets its secrets. */
import { endMigration } from "../../shared/lifecycle/end-migration.js";
import { MigrationEnd } from "../../shared/model/steps.js";
import { migrationStep } from "./step.js";

migrationStep("endMigration", MigrationEnd, ({ key, migrated }) => endMigration(key, migrated));
