import { exitCodes } from "../exit-codes.js";
import { migrationBody } from "../migration-body.js";
import { print } from "../output/format.js";
import { migrationCommand, optionalNameOf, serviceOf } from "../service-options.js";
import { findingColumns, findingsOf } from "../validation-findings.js";
import { waitForEnd } from "../watch/wait-for-end.js";
import { timeoutOption } from "../watch-options.js";

export function validate() {
  return migrationCommand(
    "validate",
    "Check whether the databases can be moved, and wait for the outcome; nothing is changed. Without a name it gets one.",
    "table",
  )
    .option("-b, --properties <file>", 'a JSON file, {"properties": {…}}; - is the standard input')
    .option("--migration-mode <mode>", "Offline or Online, over the file's")
    .option("--source-password-file <file>", "a file with the password of the source's user")
    .option("--target-password-file <file>", "a file with the password of the target's user")
    .option("--all", "in the table also the rules that succeeded")
    .addOption(timeoutOption)
    .action(async (options) => {
      const service = serviceOf(options);
      const name = optionalNameOf(options) ?? `validate-${new Date().toISOString().replace(/\D/g, "").slice(0, 14)}`;
      await service.create(name, await migrationBody({ ...options, migrationOption: "Validate" }));
      const { migration, exitCode } = await waitForEnd(service, name, options.timeout);
      process.exitCode = exitCode;
      const { currentStatus } = migration.properties;
      const all = findingsOf(currentStatus.currentSubStateDetails?.validationDetails);
      const rows = options.all === true ? all : all.filter(({ state }) => state !== "Succeeded");
      print({ value: migration, rows, columns: findingColumns }, options.output);
      const outcome = exitCode === exitCodes.timedOut ? "not ended yet (--timeout)" : currentStatus.state;
      process.stderr.write(`${name}: ${outcome}${currentStatus.error ? `: ${currentStatus.error}` : ""}\n`);
    });
}
