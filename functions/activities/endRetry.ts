/** Ends a retry of statements: its secrets deleted, its claims released. */
import { endRetry } from "../../shared/lifecycle/retry-ended.js";
import { MigrationStep } from "../../shared/model/steps.js";
import { migrationStep } from "./step.js";

migrationStep("endRetry", MigrationStep, ({ key }) => endRetry(key));
