/** Checks the rules about the two servers. */
import { untilAllCanceled } from "../../shared/migration/until-canceled.js";
import { MigrationStep } from "../../shared/model/steps.js";
import { validateServers } from "../../shared/validation/validate-servers.js";
import { migrationStep } from "./step.js";

migrationStep("validateServers", MigrationStep, ({ key }) => untilAllCanceled(key, () => validateServers(key)));
