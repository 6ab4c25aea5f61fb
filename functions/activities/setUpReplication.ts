/** Looks whether both servers can replicate, and changes the source's settings where that is wanted. */
import { setUpReplication } from "../../shared/following/set-up-replication.js";
import { SpecificationStep } from "../../shared/model/steps.js";
import { migrationStep } from "./step.js";

migrationStep("setUpReplication", SpecificationStep, ({ key, specification }) => setUpReplication(key, specification));
