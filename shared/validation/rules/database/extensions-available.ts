import { availableExtensions, installedExtensions } from "../../extensions.js";
import { named } from "../../named.js";
import type { DatabaseRule } from "../../rule.js";

export const rule: DatabaseRule = {
  id: "extensions-available",
  title: "The target has the extensions that the database uses",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "Install the extension's package on the target, or choose a target that offers it.",
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
          "Install the package on the target's machine, or choose a target that offers it (another version, another service). What nothing uses can " +
          "stay behind: without it the database is copied all the same, and the statements that need it are listed.",
      },
    ];
  },
};
