/** Checks the rules about the two servers. */

import { MigrationStep } from "../../shared/model/steps.js";
import { untilAllCanceled } from "../../shared/run/until-canceled.js";
import { validateServers } from "../../shared/validation/validate-servers.js";
import { migrationStep } from "./step.js";

migrationStep("validateServers", MigrationStep, ({ key }) => untilAllCanceled(key, () => validateServers(key)));
