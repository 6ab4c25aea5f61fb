import { alwaysInstalled, installedExtensions, listSetting } from "../../extensions.js";
import { named } from "../../named.js";
import type { DatabaseRule } from "../../rule.js";

export const rule: DatabaseRule = {
  id: "extensions-allowed",
  title: "The target's azure.extensions allows the extensions that the database uses",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "Add the extension to the target's server parameter `azure.extensions`.",
  async check({ source, target, spec }) {
    const allowed = await listSetting(target, "azure.extensions");
    if (allowed === undefined) return [];
    const known = new Set(allowed.map((name) => name.toLowerCase()));
    const missing = (await installedExtensions(source))
      .map(({ name }) => name)
      .filter((name) => !alwaysInstalled.has(name) && !known.has(name.toLowerCase()));
    if (missing.length === 0) return [];
    const value = [...allowed, ...missing.map((name) => name.toUpperCase())].join(",");
    return [
      {
        state: "Failed",
        message:
          `${named("extension", "extensions", missing)}: not on the target's list of allowed extensions. Set the target's ` +
          `server parameter azure.extensions to ${value} ` +
          `(az postgres flexible-server parameter set --server-name ${spec.server} --resource-group ${spec.resourceGroup} ` +
          `--name azure.extensions --value ${value}).`,
      },
    ];
  },
};
