/** Opens a database's snapshot with its first keeper. */
import { openSnapshot } from "../../shared/base-copy/hold-snapshot.js";
import { DatabaseRun } from "../../shared/model/steps.js";
import { databaseStep } from "./step.js";

databaseStep("openSnapshot", DatabaseRun, openSnapshot);
