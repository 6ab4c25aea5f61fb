/** Records a change of the migration's state or substate, and announces it on the queue migration-events. */
import { settleDatabases } from "../../shared/lifecycle/settle-databases.js";
import { hasEnded } from "../../shared/model/states.js";
import { Transition } from "../../shared/model/steps.js";
import { recordTransition } from "../../shared/status/migrations.js";
import { measureEndedMigration } from "../../shared/telemetry/measure-migration.js";
import { migrationStep } from "./step.js";

migrationStep("recordTransition", Transition, async ({ key, ...transition }) => {
  // First, so that nobody sees a migration at its end with a database that is not.
  if (hasEnded(transition.state)) await settleDatabases(key, transition.state);
  const recorded = await recordTransition(key, transition);
  if (hasEnded(transition.state)) await measureEndedMigration(key);
  return { recorded };
});
