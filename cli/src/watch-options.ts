/** The options of following a migration; `watch` has them by themselves, others behind --watch. */
import { Option } from "@commander-js/extra-typings";
import { positiveNumber } from "./service-options.js";

export const jsonOption = new Option("--json", "JSON lines: an object whenever something has changed");

export const intervalOption = new Option("--interval <seconds>", "seconds between two looks")
  .argParser(positiveNumber)
  .default(2);

export const timeoutOption = new Option("--timeout <minutes>", "stop watching after so many minutes").argParser(
  positiveNumber,
);

export const untilOption = new Option(
  "--until <moment>",
  "stop at the end, or when an online migration may be cut over",
)
  .choices(["end", "cutover"] as const)
  .default("end" as const);
