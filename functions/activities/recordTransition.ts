/** Records a change of the migration's state or substate, and announces it on the queue migration-events. */
import { Transition } from "../../shared/model/steps.js";
import { recordTransition } from "../../shared/status/migrations.js";
import { migrationStep } from "./step.js";

migrationStep("recordTransition", Transition, ({ key, ...transition }) => recordTransition(key, transition));
