/** Brings the target to the cutover point. */
import { reachCutoverPoint } from "../../shared/following/cut-over.js";
import { DatabaseRun } from "../../shared/model/steps.js";
import { databaseStep } from "./step.js";

databaseStep("reachCutoverPoint", DatabaseRun, reachCutoverPoint);
