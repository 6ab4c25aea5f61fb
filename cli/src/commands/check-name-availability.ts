import { print } from "../output/format.js";
import { migrationCommand, migrationNameOf, serviceOf } from "../service-options.js";

interface NameAvailability {
  readonly nameAvailable?: boolean;
  readonly reason?: string;
  readonly message?: string;
}

export function checkNameAvailability() {
  return migrationCommand("check-name-availability", "Ask whether a migration may have this name.").action(
    async (options) => {
      const answer = (await serviceOf(options).checkName(migrationNameOf(options))) as NameAvailability;
      const columns = [
        { title: "NameAvailable", value: (one: NameAvailability) => one.nameAvailable },
        { title: "Reason", value: (one: NameAvailability) => one.reason },
        { title: "Message", value: (one: NameAvailability) => one.message },
      ];
      print({ value: answer, rows: [answer], columns }, options.output);
    },
  );
}
