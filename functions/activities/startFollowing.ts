/** Subscribes the target to what the source has changed since the base copy's snapshot. */
import { startFollowing } from "../../shared/following/start-following.js";
import { DatabaseRun } from "../../shared/model/steps.js";
import { databaseStep } from "./step.js";

databaseStep("startFollowing", DatabaseRun, startFollowing);
