/** Takes down that same-named databases on the target may be replaced after all. */
import { confirmOverwrite } from "../../shared/lifecycle/respecify.js";
import { SpecificationStep } from "../../shared/model/steps.js";
import { migrationStep } from "./step.js";

migrationStep("confirmOverwrite", SpecificationStep, ({ key, specification }) => confirmOverwrite(key, specification));
