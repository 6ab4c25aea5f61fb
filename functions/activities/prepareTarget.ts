/** Creates the target database, replacing one that may be overwritten. */
import { prepareTarget } from "../../shared/base-copy/prepare-target.js";
import { DatabaseRun } from "../../shared/model/steps.js";
import { copyStep } from "./step.js";

copyStep("prepareTarget", DatabaseRun, prepareTarget);
