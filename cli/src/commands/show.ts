import { print } from "../output/format.js";
import { migrationAnswer } from "../output/migrations-answer.js";
import { migrationCommand, migrationNameOf, serviceOf } from "../service-options.js";

export function show() {
  return migrationCommand("show", "Show a migration.").action(async (options) => {
    print(migrationAnswer(await serviceOf(options).show(migrationNameOf(options))), options.output);
  });
}
