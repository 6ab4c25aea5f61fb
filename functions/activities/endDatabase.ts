/** Cleans up in the target database and records how its migration ended. */
import { endDatabase } from "../../shared/lifecycle/end-database.js";
import { DatabaseEnd } from "../../shared/model/steps.js";
import { measureEndedDatabase } from "../../shared/telemetry/measure-migration.js";
import { migrationStep } from "./step.js";

migrationStep("endDatabase", DatabaseEnd, async (end) => {
  const ending = await endDatabase(end);
  await measureEndedDatabase(end.key, end.database);
  return ending;
});
