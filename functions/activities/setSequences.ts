/** Sets the target's sequences to where the source's are. */
import { setSequences } from "../../shared/migration/set-sequences.js";
import { DatabaseRun } from "../../shared/model/steps.js";
import { databaseStep } from "./step.js";

databaseStep("setSequences", DatabaseRun, setSequences);
