/** Records how a retry of a database's statements has ended. */
import { endDatabaseRetry } from "../../shared/lifecycle/retry-ended.js";
import { DatabaseRun } from "../../shared/model/steps.js";
import { migrationStep } from "./step.js";

migrationStep("endDatabaseRetry", DatabaseRun, endDatabaseRetry);
