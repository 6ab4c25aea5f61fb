import { quoteIdentifier } from "../../../postgres/identifiers.js";
import { runOn } from "../../corrective-action.js";
import { availableExtensions, installedExtensions } from "../../extensions.js";
import { named } from "../../named.js";
import type { DatabaseRule } from "../../rule.js";

export const rule: DatabaseRule = {
  id: "extensions-available",
  title: "The target has the extensions that the database uses",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "Install the extension's package on the target, or drop the extension on the source if nothing uses it.",
  async check({ source, target }) {
    const available = await availableExtensions(target);
    const missing = (await installedExtensions(source)).filter(({ name }) => !available.has(name));
    if (missing.length === 0) return [];
    const names = missing.map(({ name }) => name);
    return [
      {
        state: "Failed",
        message:
          `${named("extension", "extensions", names)}: installed on the source but not available on the target. ` +
          "Install the package on the target's machine; on a managed target choose a version that offers it. " +
          `Or drop it if nothing uses it.${runOn(
            "source",
            names.map((name) => `DROP EXTENSION ${quoteIdentifier(name)};`),
          )}`,
      },
    ];
  },
};
