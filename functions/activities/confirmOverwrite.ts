/** Takes down that same-named databases on the target may be replaced after all. */
import { MigrationStep } from "../../shared/model/steps.js";
import { updateMigration } from "../../shared/status/migrations.js";
import { migrationStep } from "./step.js";

migrationStep("confirmOverwrite", MigrationStep, async ({ key }) => {
  await updateMigration(key, { overwriteDbsInTarget: true });
});
