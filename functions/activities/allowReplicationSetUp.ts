/** Notes that the service may change the source's settings. */
import { allowReplicationSetUp } from "../../shared/following/set-up-replication.js";
import { MigrationStep } from "../../shared/model/steps.js";
import { migrationStep } from "./step.js";

migrationStep("allowReplicationSetUp", MigrationStep, ({ key }) => allowReplicationSetUp(key));
