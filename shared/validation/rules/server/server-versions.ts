/** Whether the two versions go together: PostgreSQL never restores into an older major version. */
import type { MigrationMode } from "../../../model/migration.js";
import type { ServerRule } from "../../rule.js";

/** Online needs pgoutput, which is there from 10 on. What offline needs of the catalogs is there from 9.5 on. */
const oldestSource: Record<MigrationMode, number> = { Offline: 90_500, Online: 100_000 };

export const rule: ServerRule = {
  id: "server-versions",
  title: "Versions of source and target",
  scope: "server",
  modes: ["Offline", "Online"],
  remedy:
    "Choose a target of the source's major version or a later one; upgrade a source older than 9.5 (online: 10) first.",
  check: async ({ spec, sourceVersion, targetVersion }) => {
    const source = majorVersion(sourceVersion);
    const target = majorVersion(targetVersion);
    if (sourceVersion < oldestSource[spec.mode]) {
      return [
        {
          state: "Failed",
          message:
            `The source is PostgreSQL ${source}; ${majorVersion(oldestSource[spec.mode])} is the oldest that can be migrated ` +
            `${spec.mode === "Online" ? "online: choose migrationMode Offline, or upgrade it first" : "at all: upgrade it first"}.`,
        },
      ];
    }
    if (Number(target) < Number(source)) {
      return [
        {
          state: "Failed",
          message: `The target is PostgreSQL ${target}, older than the source (${source}): choose a target of version ${source} or later.`,
        },
      ];
    }
    return [{ state: "Succeeded", message: `Source PostgreSQL ${source}, target PostgreSQL ${target}.` }];
  },
};

/** 120022 is "12", 90524 is "9.5". */
function majorVersion(version: number): string {
  const [first, second] = [Math.floor(version / 10_000), Math.floor(version / 100) % 100];
  return first >= 10 ? String(first) : `${first}.${second}`;
}
