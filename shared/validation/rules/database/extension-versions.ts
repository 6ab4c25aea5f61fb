import { isOlderVersion } from "../../extension-version.js";
import { availableExtensions, installedExtensions } from "../../extensions.js";
import { named } from "../../named.js";
import type { DatabaseRule } from "../../rule.js";

export const rule: DatabaseRule = {
  id: "extension-versions",
  title: "The target's versions of the extensions are not older",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "Update the extension's package on the target, or make sure that nothing needs what is newer.",
  async check({ source, target }) {
    const available = await availableExtensions(target);
    const older = (await installedExtensions(source)).flatMap(({ name, version }) => {
      const offered = available.get(name)?.defaultVersion;
      return offered !== undefined && isOlderVersion(offered, version) ? [`${name} ${version}, there ${offered}`] : [];
    });
    if (older.length === 0) return [];
    return [
      {
        state: "Warning",
        message:
          `${named("extension", "extensions", older)}: the target would install an older version. ` +
          "Update the extension's package on the target, or make sure that no object of the database uses what the newer version brought.",
      },
    ];
  },
};
