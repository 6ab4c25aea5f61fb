/** Tries the statements of a database again that its migration could not apply. */
import { retryEnded } from "../../shared/lifecycle/retry-ended.js";
import { StatementsRetry } from "../../shared/model/steps.js";
import { migrationStep } from "./step.js";

migrationStep("retryStatements", StatementsRetry, retryEnded);
